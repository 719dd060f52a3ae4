/** A run's checkpoints in the store, as one attempt of its training writes them. Each is stored first, then the pointer
 *  moves to it, then the checkpoints that the pointer no longer names are removed. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  CHECKPOINT_FILES,
  ErrorKind,
  keys,
  parseKey,
  RaptError,
  type CheckpointFile,
  type CheckpointPointer,
  type Fence,
  type Sha256,
  type StoredCheckpoint,
} from '../../contracts/index.ts';
import { log } from '@temporalio/activity';
import { inSpan, metrics } from '../../telemetry/index.ts';
import {
  addCheckpoint,
  CheckpointPointerCell,
  keptCheckpoints,
  names,
  putFiles,
  type ObjectStore,
  type UnfinishedUpload,
} from '../../storage/index.ts';

/** What the pointer says besides its checkpoints. */
export interface Training {
  readonly tenant: string;
  readonly run: string;
  readonly release: Sha256;
  readonly trainingDigest: Sha256;
  readonly totalSteps: number;
  /** Number of newest checkpoints that stay. */
  readonly keep: number;
}

export interface Attempt {
  /** Unique among all attempts of the run. */
  readonly name: string;
  readonly fence: Fence;
}

type Content = Pick<StoredCheckpoint, 'step' | 'trainingDigest' | 'loss'>;

export class RunCheckpoints {
  readonly #store: ObjectStore;
  readonly #cell: CheckpointPointerCell;
  readonly #attempt: Attempt;
  readonly #training: Training;

  /** @param cell claimed by this attempt. */
  constructor(store: ObjectStore, cell: CheckpointPointerCell, attempt: Attempt, training: Training) {
    this.#store = store;
    this.#cell = cell;
    this.#attempt = attempt;
    this.#training = training;
  }

  /** Stores a checkpoint and moves the pointer to it. @throws RaptError overtaken when a newer attempt owns the
   *  pointer: the caller must stop. */
  async add(content: Content, folder: string): Promise<void> {
    const start = performance.now();
    const sizeBytes = await inSpan('checkpoint', () => this.#storeAndPoint(content, folder), { step: content.step });
    const seconds = (performance.now() - start) / 1000;
    const { tenant } = this.#training;
    metrics.checkpoint.record(seconds, { tenant });
    metrics.checkpointBytes.add(sizeBytes, { tenant });
    log.info('checkpoint stored', { step: content.step, sizeBytes, seconds });
  }

  /** @returns the size of the checkpoint's files in bytes. */
  async #storeAndPoint({ step, trainingDigest, loss }: Content, folder: string): Promise<number> {
    const { tenant, run, release, totalSteps, keep } = this.#training;
    const { name: attempt, fence } = this.#attempt;
    const paths = Object.fromEntries(CHECKPOINT_FILES.map((file) => [file, join(folder, file)])) as Record<
      CheckpointFile,
      string
    >;
    const files = await putFiles(this.#store, keys.checkpointPrefix(tenant, run, step, attempt), paths);
    const added = { step, trainingDigest, loss, files };
    const { next, dropped } = addCheckpoint(this.#cell.current, added, keep);
    try {
      await this.#cell.advance({
        format: 'rapt-pointer/2',
        release,
        trainingDigest: this.#training.trainingDigest,
        totalSteps,
        attempt,
        fence,
        ...next,
      });
    } catch (error) {
      if (error instanceof RaptError && error.kind === ErrorKind.overtaken) await this.#removeUnlessNamed(added);
      throw error;
    }
    await this.#remove(dropped);
    return Object.values(files).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** The pointer may have moved, its answer been lost, and a newer attempt have taken it over. Then the pointer names
   *  the checkpoint, and the newer attempt begins from it. A checkpoint that is not named now will never be, since a
   *  pointer takes over only checkpoints that the pointer before it named. */
  async #removeUnlessNamed(added: StoredCheckpoint): Promise<void> {
    const { tenant, run } = this.#training;
    try {
      const { current } = await CheckpointPointerCell.open(this.#store, tenant, run);
      if (current === null || !names(current, added)) await this.#remove([added]);
    } catch {
      // Nobody knows what a pointer names that cannot be read; `rapt gc` removes what is left over.
    }
  }

  /** A file that cannot be removed now is removed by the next attempt, or by `rapt gc`. */
  async #remove(checkpoints: readonly StoredCheckpoint[]): Promise<void> {
    for (const { files } of checkpoints)
      for (const { key } of Object.values(files)) await this.#store.remove(key).catch(() => undefined);
  }
}

/** Uploads checkpoints one after the other while training goes on. */
export interface CheckpointUploads {
  /** Takes over a checkpoint's folder: it is removed once the pointer has moved. */
  add(content: Content, folder: string): void;
  /** Waits for everything added so far. @throws what failed. */
  drain(): Promise<void>;
}

/** @param onFailure called at once, so that an attempt that was overtaken stops computing. */
export function queueUploads(
  checkpoints: RunCheckpoints,
  onPointed: (step: number) => void,
  onFailure: () => void,
): CheckpointUploads {
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

/** Claims a run's pointer for an attempt, and removes what earlier attempts left in the store and never pointed at. The
 *  removed objects were listed before the claim, so they belong to attempts that can no longer move the pointer, never
 *  to a newer one. */
export async function claimRun(
  store: ObjectStore,
  cell: CheckpointPointerCell,
  { tenant, run }: { tenant: string; run: string },
  { name, fence }: Attempt,
): Promise<void> {
  const found = await listCheckpointObjects(store, tenant, run);
  await cell.claim(name, fence);
  await removeOthers(store, found, cell.current);
}

/** Removes all checkpoint objects of a run that its pointer does not name. The pointer must have moved for the last
 *  time. */
export async function removeUnnamed(
  store: ObjectStore,
  tenant: string,
  run: string,
  pointer: CheckpointPointer,
): Promise<void> {
  await removeOthers(store, await listCheckpointObjects(store, tenant, run), pointer);
}

interface CheckpointObjects {
  readonly keys: readonly string[];
  readonly uploads: readonly UnfinishedUpload[];
}

/** Lists a run's checkpoint objects. A run called "<run>/checkpoints/..." lies below the same prefix, and its objects
 *  are left out. */
async function listCheckpointObjects(store: ObjectStore, tenant: string, run: string): Promise<CheckpointObjects> {
  const prefix = keys.checkpointsPrefix(tenant, run);
  const isOwn = (key: string): boolean => {
    const of = parseKey(key);
    return of?.kind === 'checkpoint' && of.run === run;
  };
  const found: string[] = [];
  for await (const { key } of store.list(prefix)) if (isOwn(key)) found.push(key);
  const uploads = await store.unfinishedUploads(prefix);
  return { keys: found, uploads: uploads.filter(({ key }) => isOwn(key)) };
}

async function removeOthers(
  store: ObjectStore,
  found: CheckpointObjects,
  pointer: CheckpointPointer | null,
): Promise<void> {
  const kept = new Set(
    (pointer === null ? [] : keptCheckpoints(pointer)).flatMap(({ files }) =>
      Object.values(files).map(({ key }) => key),
    ),
  );
  for (const key of found.keys) if (!kept.has(key)) await store.remove(key);
  for (const upload of found.uploads) await store.abortUpload(upload);
}
