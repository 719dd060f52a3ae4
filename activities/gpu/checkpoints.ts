/** A run's checkpoints in the store, as one attempt of its training writes them: store first, then point, then remove what no pointer names. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKPOINT_FILES, keys, type CheckpointFile, type Sha256, type StoredCheckpoint } from '../../contracts/index.ts';
import { addCheckpoint, keptCheckpoints, putFiles, type CheckpointPointerCell, type ObjectStore } from '../../storage/index.ts';

/** What a checkpoint's pointer says besides the checkpoint itself. */
export interface Training {
  readonly tenant: string;
  readonly run: string;
  readonly release: Sha256;
  readonly trainingDigest: Sha256;
  readonly totalSteps: number;
  /** Newest checkpoints that stay. */
  readonly keep: number;
}

type Content = Pick<StoredCheckpoint, 'step' | 'trainingDigest' | 'loss'>;

export class RunCheckpoints {
  readonly #store: ObjectStore;
  readonly #cell: CheckpointPointerCell;
  readonly #attempt: string;
  readonly #training: Training;

  /** @param cell claimed by this attempt. */
  constructor(store: ObjectStore, cell: CheckpointPointerCell, attempt: string, training: Training) {
    this.#store = store;
    this.#cell = cell;
    this.#attempt = attempt;
    this.#training = training;
  }

  /** @throws RaptError overtaken when a newer attempt owns the pointer: the caller must stop. */
  async add({ step, trainingDigest, loss }: Content, folder: string): Promise<void> {
    const { tenant, run, release, totalSteps, keep } = this.#training;
    const paths = Object.fromEntries(CHECKPOINT_FILES.map((file) => [file, join(folder, file)])) as Record<CheckpointFile, string>;
    const files = await putFiles(this.#store, keys.checkpointPrefix(tenant, run, step, this.#attempt), paths);
    const { next, dropped } = addCheckpoint(this.#cell.current, { step, trainingDigest, loss, files }, keep);
    await this.#cell.advance({ format: 'rapt-pointer/2', release, trainingDigest: this.#training.trainingDigest, totalSteps, attempt: this.#attempt, ...next });
    // What cannot be removed now is removed by the next attempt, or by `rapt gc`.
    for (const { files: old } of dropped) for (const { key } of Object.values(old)) await this.#store.remove(key).catch(() => undefined);
  }
}

/** Uploads checkpoints one after the other while training goes on. */
export interface CheckpointUploads {
  /** Takes over a checkpoint's folder: it is removed once the pointer has moved. */
  add(content: Content, folder: string): void;
  /** Waits for everything added so far. @throws what failed. */
  drain(): Promise<void>;
}

/** @param onFailure told at once, so that an attempt that was overtaken stops computing. */
export function queueUploads(checkpoints: RunCheckpoints, onPointed: (step: number) => void, onFailure: () => void): CheckpointUploads {
  let queue: Promise<void> = Promise.resolve();
  const upload = async (content: Content, folder: string): Promise<void> => {
    await checkpoints.add(content, folder);
    rmSync(folder, { recursive: true, force: true });
    onPointed(content.step);
  };
  return {
    add(content, folder) {
      queue = queue.then(() => upload(content, folder));
      queue.catch(onFailure);
    },
    drain: () => queue,
  };
}

/** Claims a run's pointer for an attempt, and removes what attempts before it left in the store and never pointed at.
 *  What is removed was listed before the claim: it is of attempts that can no longer move the pointer, never of a newer one. */
export async function claimRun(store: ObjectStore, cell: CheckpointPointerCell, { tenant, run }: { tenant: string; run: string }, attempt: string): Promise<void> {
  const prefix = keys.checkpointsPrefix(tenant, run);
  const found: string[] = [];
  for await (const { key } of store.list(prefix)) found.push(key);
  const uploads = await store.unfinishedUploads(prefix);
  await cell.claim(attempt);
  const kept = new Set((cell.current === null ? [] : keptCheckpoints(cell.current)).flatMap(({ files }) => Object.values(files).map(({ key }) => key)));
  for (const key of found) if (!kept.has(key)) await store.remove(key);
  for (const upload of uploads) await store.abortUpload(upload);
}
