/** What a checkpoint holds: the trained weights, the optimizer's moments, and the step. A training has no other state,
 *  since the order of its rows is a function of (seed, step). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  canonicalJson,
  CHECKPOINT_FILES,
  ErrorKind,
  RaptError,
  checkpointStateSchema,
  type CheckpointFile,
  type CheckpointState,
} from '../../contracts/index.ts';
import { encodeSafetensors, readSafetensors } from '../safetensors.ts';
import type { Moments } from './optimizer.ts';
import type { Parameters } from './parameters.ts';
import type { Trainer } from './trainer.ts';

export interface Checkpoint {
  readonly parameters: Parameters;
  readonly moments: Moments;
  readonly state: CheckpointState;
}

/** The bytes of each file of a checkpoint; the same state gives the same bytes. */
export function encodeCheckpoint(trainer: Trainer): Record<CheckpointFile, Buffer> {
  return {
    'weights.safetensors': encodeSafetensors(trainer.parameters),
    'optimizer.safetensors': encodeSafetensors(trainer.moments),
    'state.json': Buffer.from(canonicalJson(trainer.state())),
  };
}

/** Reads a checkpoint's folder. @throws RaptError corruptArtifact naming the damaged file. */
export function readCheckpoint(folder: string): Checkpoint {
  const [weights, optimizer, state] = CHECKPOINT_FILES;
  return {
    parameters: readSafetensors(join(folder, weights)),
    moments: readSafetensors(join(folder, optimizer)),
    state: readState(join(folder, state)),
  };
}

/** Reads a checkpoint's state.json. @throws RaptError corruptArtifact naming the file. */
export function readState(path: string): CheckpointState {
  try {
    return checkpointStateSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new RaptError(
      ErrorKind.corruptArtifact,
      `${path} is not a checkpoint's state; resume from an older checkpoint`,
      { cause },
    );
  }
}
