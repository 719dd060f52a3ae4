/** latest.json: the pointer to a run's newest checkpoint, which one attempt at a time can move. */
import { z } from 'zod';
import { checkpointPointerSchema, ErrorKind, fenceSchema, keys, RaptError } from '../contracts/index.ts';
import type { CheckpointPointer, Fence } from '../contracts/index.ts';
import { readDigested, withDigest } from './digested-json.ts';
import type { ObjectStore } from './store.ts';

/** What stands at the pointer's key before the first checkpoint: who may write it. */
const claimSchema = z.strictObject({ format: z.literal('rapt-claim/1'), attempt: z.string(), fence: fenceSchema });

/** A claim competes with the moves of the attempt before and with other claims. Each loss means that somebody else
 *  wrote the pointer, and so many losses in a row mean that two attempts keep claiming. */
const CLAIM_TRIES = 8;

/** The checkpoint pointer as one attempt sees it, with fencing. An attempt first claims the pointer: it writes its own
 *  name into it, which changes the pointer's tag. From then on every compare-and-swap of an older attempt fails with
 *  `overtaken`. A claim is refused when a newer attempt has made one before. */
export class CheckpointPointerCell {
  readonly #store: ObjectStore;
  readonly #key: string;
  #etag: string | null;
  #current: CheckpointPointer | null;
  #fence: Fence | null;
  #attempt: string | null = null;

  private constructor(store: ObjectStore, key: string, { etag, current, fence }: Stored) {
    this.#store = store;
    this.#key = key;
    this.#etag = etag;
    this.#current = current;
    this.#fence = fence;
  }

  /** Reads the pointer of a run. @throws RaptError corruptArtifact when what is stored there is no pointer. */
  static async open(store: ObjectStore, tenant: string, run: string): Promise<CheckpointPointerCell> {
    const key = keys.checkpointPointer(tenant, run);
    return new CheckpointPointerCell(store, key, await load(store, key));
  }

  /** The newest complete checkpoint that this cell knows of; null before the first. */
  get current(): CheckpointPointer | null {
    return this.#current;
  }

  /** Makes this attempt the only one that can move the pointer. What an older attempt stored in the meantime is taken
   *  over, so look at `current` after the claim, not before. @throws RaptError overtaken when a newer attempt has
   *  claimed the pointer, or others keep claiming it. */
  async claim(attempt: string, fence: Fence): Promise<void> {
    for (let tries = 1; ; tries++) {
      if (this.#fence !== null && isNewer(this.#fence, fence))
        throw new RaptError(
          ErrorKind.overtaken,
          `"${this.#key}" in bucket "${this.#store.bucket}" belongs to a newer attempt than this one`,
        );
      const claimed =
        this.#current === null ? { format: 'rapt-claim/1', attempt, fence } : { ...this.#current, attempt, fence };
      try {
        this.#etag = await this.#store.compareAndSwap(this.#key, withDigest(claimed), this.#etag);
      } catch (error) {
        if (tries === CLAIM_TRIES || !(error instanceof RaptError) || error.kind !== ErrorKind.overtaken) throw error;
        const { etag, current, fence: claimedBy } = await load(this.#store, this.#key);
        this.#etag = etag;
        this.#current = current;
        this.#fence = claimedBy;
        continue;
      }
      if (this.#current !== null) this.#current = { ...this.#current, attempt, fence };
      this.#fence = fence;
      this.#attempt = attempt;
      return;
    }
  }

  /** Points at a checkpoint whose files are stored and verified. @throws RaptError overtaken when a newer attempt has
   *  claimed the pointer: the caller must then stop. */
  async advance(next: CheckpointPointer): Promise<void> {
    if (next.attempt !== this.#attempt)
      throw new Error(`attempt ${next.attempt} must claim the pointer ${this.#key} before it advances it`);
    this.#etag = await this.#store.compareAndSwap(this.#key, withDigest(next), this.#etag);
    this.#current = next;
  }
}

interface Stored {
  readonly etag: string | null;
  readonly current: CheckpointPointer | null;
  /** Fence of the attempt that claimed the pointer last. */
  readonly fence: Fence | null;
}

const isNewer = (a: Fence, b: Fence): boolean =>
  a.scheduledMs > b.scheduledMs || (a.scheduledMs === b.scheduledMs && a.attempt > b.attempt);

async function load(store: ObjectStore, key: string): Promise<Stored> {
  const stored = await readDigested(
    store,
    key,
    (content) => z.union([claimSchema, checkpointPointerSchema]).parse(content),
    damagedPointer(store, key),
  );
  if (stored === null) return { etag: null, current: null, fence: null };
  const { etag, content } = stored;
  return { etag, current: content.format === 'rapt-claim/1' ? null : content, fence: content.fence };
}

const damagedPointer = (store: ObjectStore, key: string) => (cause: unknown) =>
  new RaptError(
    ErrorKind.corruptArtifact,
    `"${key}" in bucket "${store.bucket}" is not a checkpoint pointer, or was damaged; ` +
      'remove it to start the run afresh, or resume it as a new run from an earlier one',
    { cause },
  );
