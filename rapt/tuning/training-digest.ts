import { canonicalJson, type Sha256, type TuningOptions } from '../../contracts/index.ts';
import { sha256Of } from '../../system/index.ts';

/** To be raised when a change of the training's arithmetic would make an old checkpoint lead to another result. */
const TRAINING_VERSION = 1;

/** Digest of everything that determines the trained weights. Trainings of equal digests may take over each other's
 *  checkpoints. */
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
  // Options of later versions are named only where they differ from the default, so that older checkpoints are found.
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

/** The digests of all trainings with whose steps this one begins, its own first. A training with fewer of the
 *  extensions takes the same steps up to its end. */
export function compatibleDigests(release: Sha256, backbone: Sha256, options: TuningOptions): Sha256[] {
  const { extensions } = options;
  return Array.from({ length: extensions.length + 1 }, (_, fewer) =>
    trainingDigest(release, backbone, { ...options, extensions: extensions.slice(0, extensions.length - fewer) }),
  );
}
