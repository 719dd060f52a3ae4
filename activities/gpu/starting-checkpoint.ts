/** Where an attempt of the training begins. */
import { rmSync } from 'node:fs';
import {
  ErrorKind,
  RaptError,
  type CheckpointPointer,
  type Sha256,
  type StoredCheckpoint,
} from '../../contracts/index.ts';
import { CheckpointPointerCell, type ObjectStore } from '../../storage/index.ts';
import type { RunCheckpoints } from './checkpoints.ts';
import { fetchCheckpoint } from './fetch.ts';
import { assertRun } from './references.ts';
import { howRunEnded, whyLastAttemptEnded } from './why-ended.ts';

export interface Start {
  /** The checkpoint to go on from, whose files are in the folder that was asked for; null begins at step 0. */
  readonly checkpoint: StoredCheckpoint | null;
  /** The sentence that says what was taken over and why; null when the attempt simply follows the block before. */
  readonly resumed: string | null;
}

export interface StartOptions {
  readonly store: ObjectStore;
  /** Claimed by this attempt. */
  readonly cell: CheckpointPointerCell;
  readonly checkpoints: RunCheckpoints;
  readonly tenant: string;
  readonly run: string;
  readonly resumeFrom: readonly string[];
  /** Digests of the trainings that this one begins with, its own first. */
  readonly digests: readonly Sha256[];
  readonly totalSteps: number;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  /** Where the checkpoint's files are brought. */
  readonly folder: string;
}

/** The run's own newest whole checkpoint. A run without one takes that of the first run in `resumeFrom` whose
 *  configuration determines the same steps. It is then stored as this run's own, so that others can resume from it in
 *  their turn. */
export async function findStart(o: StartOptions): Promise<Start> {
  const { cell, run, digests, attempt } = o;
  const own = cell.current;
  const why = attempt > 1 ? await whyLastAttemptEnded() : null;
  const since = attempt > 1 ? `, attempt ${attempt}${why === null ? '' : `: the one before ${why}`}` : '';
  if (own !== null) {
    if (own.trainingDigest !== digests[0])
      throw new RaptError(
        ErrorKind.badInput,
        `run ${run} already has a checkpoint of another configuration; start the new configuration under another --id`,
      );
    const { checkpoint, damaged } = await fetchNewestWhole(o, run, own);
    const place =
      checkpoint === null ? `started anew${since}` : `resumed at step ${checkpoint.step} of ${o.totalSteps}${since}`;
    return { checkpoint, resumed: since === '' && damaged === '' ? null : place + damaged };
  }
  const misses: string[] = [];
  for (const earlier of o.resumeFrom) {
    const found = await takeOver(o, earlier);
    if (typeof found !== 'string') return found;
    misses.push(found);
  }
  if (misses.length > 0) return { checkpoint: null, resumed: `started anew: ${misses.join('; ')}` };
  return { checkpoint: null, resumed: since === '' ? null : `started anew${since}; there was no checkpoint yet` };
}

/** Begins from an earlier run's checkpoint. @returns why not, when that run has none to go on from. */
async function takeOver(o: StartOptions, earlier: string): Promise<Start | string> {
  assertRun({ tenant: o.tenant, run: earlier });
  const pointer = (await CheckpointPointerCell.open(o.store, o.tenant, earlier)).current;
  if (pointer === null) return `run ${earlier} has no checkpoint`;
  if (!o.digests.includes(pointer.trainingDigest))
    return `run ${earlier} was trained with another release or configuration`;
  const { checkpoint, damaged } = await fetchNewestWhole(o, earlier, pointer);
  if (checkpoint === null) return `run ${earlier} has no checkpoint that is whole${damaged}`;
  await o.checkpoints.add(checkpoint, o.folder);
  const ended = await howRunEnded(earlier);
  const how = ended === null ? '' : `, ${ended}`;
  return {
    checkpoint,
    resumed: `resumed at step ${checkpoint.step} of ${o.totalSteps} from run ${earlier}${how}${damaged}`,
  };
}

/** @param run the run that the pointer belongs to. @returns the newest checkpoint whose bytes are all right, null
 *  without one; and a remark on each newer one that is damaged. */
async function fetchNewestWhole(
  { store, folder, tenant }: StartOptions,
  run: string,
  { newest, earlier }: CheckpointPointer,
): Promise<{ checkpoint: StoredCheckpoint | null; damaged: string }> {
  let damaged = '';
  for (const checkpoint of [newest, ...earlier]) {
    try {
      await fetchCheckpoint(store, folder, { tenant, run }, checkpoint);
      return { checkpoint, damaged };
    } catch (error) {
      if (!(error instanceof RaptError) || !DAMAGES.includes(error.kind)) throw error;
      damaged += `; the checkpoint of step ${checkpoint.step} is damaged (${error.message})`;
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return { checkpoint: null, damaged };
}

const DAMAGES: readonly string[] = [ErrorKind.corruptArtifact, ErrorKind.notFound];
