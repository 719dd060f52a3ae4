import { canonicalJson, type Sha256, type TuningOptions } from '../../contracts/index.ts';
import { sha256Of } from '../../system/index.ts';

/** Raised when a change of the training's arithmetic would make an old checkpoint go on to a different result. */
const TRAINING_VERSION = 1;

/** Digest of everything that determines the trained weights. Equal digests may take over each other's checkpoints. */
export function trainingDigest(release: Sha256, backbone: Sha256, { checkpointEverySteps: _, ...options }: TuningOptions): Sha256 {
  return sha256Of(canonicalJson({ version: TRAINING_VERSION, release, backbone, options }));
}
