import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKPOINT_FILES, keys, type CheckpointFile, type CheckpointPointer, type Sha256 } from '../../contracts/index.ts';
import { putFiles, type CheckpointPointerCell, type ObjectStore } from '../../storage/index.ts';

export interface CheckpointUploads {
  /** Takes over a checkpoint's folder: stores the files, then moves the pointer, then removes the folder. */
  add(step: number, folder: string): void;
  /** Waits for everything added so far. @throws what failed: overtaken when a newer attempt owns the pointer. */
  drain(): Promise<void>;
}

/** Uploads checkpoints one after the other while training goes on: store first, then point, then report.
 *  @param onFailure told at once, so that a run that was overtaken stops computing. */
export function createCheckpointUploads(o: {
  readonly store: ObjectStore;
  readonly cell: CheckpointPointerCell;
  readonly tenant: string;
  readonly run: string;
  readonly attempt: string;
  readonly totalSteps: number;
  readonly trainingDigest: Sha256;
  readonly onPointed: (pointer: CheckpointPointer) => void;
  readonly onFailure: () => void;
}): CheckpointUploads {
  let queue: Promise<void> = Promise.resolve();
  const upload = async (step: number, folder: string): Promise<void> => {
    const paths = Object.fromEntries(CHECKPOINT_FILES.map((file) => [file, join(folder, file)])) as Record<CheckpointFile, string>;
    const files = await putFiles(o.store, keys.checkpointPrefix(o.tenant, o.run, step, o.attempt), paths);
    const pointer: CheckpointPointer = {
      format: 'rapt-pointer/1',
      step,
      totalSteps: o.totalSteps,
      trainingDigest: o.trainingDigest,
      attempt: o.attempt,
      files,
    };
    await o.cell.advance(pointer);
    rmSync(folder, { recursive: true, force: true });
    o.onPointed(pointer);
  };
  return {
    add(step, folder) {
      queue = queue.then(() => upload(step, folder));
      queue.catch(o.onFailure);
    },
    drain: () => queue,
  };
}
