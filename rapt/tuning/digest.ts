import { canonicalJson, type Sha256, type TuningOptions } from '../../contracts/index.ts';
import { sha256Of } from '../../system/index.ts';

/** Raised when a change of the training's arithmetic would make an old checkpoint go on to a different result. */
const TRAINING_VERSION = 1;

/** Digest of everything that determines the trained weights. Equal digests may take over each other's checkpoints. */
export function trainingDigest(release: Sha256, backbone: Sha256, options: TuningOptions): Sha256 {
  const {
    checkpointEverySteps: _,
    keepCheckpoints: __,
    extensions,
    input,
    pooling,
    labelCorrection,
    ...determinants
  } = options;
  // Options that came later are named where they are not the default, so that older checkpoints are found.
  const later = {
    ...(input === 'released' ? {} : { input }),
    ...(pooling === 'mean' ? {} : { pooling }),
    ...(extensions.length === 0 ? {} : { extensions }),
    ...(labelCorrection === 'forward' ? {} : { labelCorrection }),
  };
  return sha256Of(
    canonicalJson({ version: TRAINING_VERSION, release, backbone, options: { ...determinants, ...later } }),
  );
}

/** The digests of all trainings that this one begins with, its own first: one that has fewer of its extensions takes
 *  the same steps. */
export function compatibleDigests(release: Sha256, backbone: Sha256, options: TuningOptions): Sha256[] {
  const { extensions } = options;
  return Array.from({ length: extensions.length + 1 }, (_, fewer) =>
    trainingDigest(release, backbone, { ...options, extensions: extensions.slice(0, extensions.length - fewer) }),
  );
}
