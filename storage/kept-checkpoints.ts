/** Which checkpoints a pointer keeps. */
import type { CheckpointPointer, StoredCheckpoint } from '../contracts/index.ts';

/** All checkpoints that a pointer names, each once, newest first. */
export function keptCheckpoints({ newest, earlier, best }: CheckpointPointer): StoredCheckpoint[] {
  const kept = [newest, ...earlier];
  return best === null || kept.some((checkpoint) => same(checkpoint, best)) ? kept : [...kept, best];
}

/** Whether a pointer names this very checkpoint. */
export const names = (pointer: CheckpointPointer, checkpoint: StoredCheckpoint): boolean =>
  keptCheckpoints(pointer).some((kept) => same(kept, checkpoint));

/** Puts a new checkpoint before those that a pointer names. The newest `keep` checkpoints stay, and the one of least
 *  loss.
 *  @returns what the next pointer names, and the checkpoints that no pointer names once that pointer is stored. */
export function addCheckpoint(
  current: CheckpointPointer | null,
  added: StoredCheckpoint,
  keep: number,
): {
  readonly next: Pick<CheckpointPointer, 'newest' | 'earlier' | 'best'>;
  readonly dropped: readonly StoredCheckpoint[];
} {
  const before = current === null ? [] : keptCheckpoints(current);
  // An attempt that went on from an earlier checkpoint makes the same steps again.
  const older = (current === null ? [] : [current.newest, ...current.earlier]).filter(({ step }) => step < added.step);
  const candidates = [added, ...before].filter(({ loss }) => loss !== null);
  const best =
    candidates.length === 0
      ? null
      : candidates.reduce((least, checkpoint) => (checkpoint.loss! < least.loss! ? checkpoint : least));
  const next = { newest: added, earlier: older.slice(0, keep - 1), best };
  const kept = [added, ...next.earlier, ...(best === null ? [] : [best])];
  return { next, dropped: before.filter((checkpoint) => !kept.some((other) => same(checkpoint, other))) };
}

/** Each attempt makes one checkpoint at a step, whose files lie under keys of their own. */
const same = (a: StoredCheckpoint, b: StoredCheckpoint): boolean =>
  a.files['state.json'].key === b.files['state.json'].key;
