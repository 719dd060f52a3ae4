/** Drawing a release: the one noisy version of each text, made durable shard by shard.
 *
 *  The guarantee covers one noisy version of a text. So a shard, once it has its final name, is never drawn again: not
 *  after a crash, not by a second attempt at the same time, not by a later run with the same settings. Nothing leaves
 *  the machine before the manifest, which is written last, names every shard; a shard that lost the race for its name
 *  was seen by nobody. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, MANIFEST_FILE, type ReleaseManifest } from '../../contracts/index.ts';
import type { Row, Split } from '../data/index.ts';
import { RandomizedResponse } from '../privacy/index.ts';
import { Turns } from '../turns.ts';
import { makeFolder, removeStaleTemporaries, writeOnce } from '../../system/index.ts';
import type { DrawOptions } from './draw-options.ts';
import type { InputFile } from './inputs.ts';
import { privateFolder, recordsFolder, tablesFolder } from './layout.ts';
import type { ReleaseSpec } from './spec.ts';
import { SplitDrawing, type Drawing } from './split-drawing.ts';
import { openRelease, type FinishedShard, type StoredRelease } from './stored-release.ts';

/** Some 1 MB of ids at 30 tokens a row: little memory, and little lost to a crash. */
const ROWS_PER_SHARD = 8192;

/** The rows of one split, in the order of the release. */
export interface ReleaseSplit {
  readonly split: Split;
  readonly rows: number;
  readonly read: () => AsyncIterable<Row>;
}

export interface DrawnRelease extends StoredRelease {
  /** True when the release was complete already and nothing was drawn. */
  readonly reused: boolean;
}

/** Draws what is missing of a release, or finds it complete. Memory is constant but for the test labels (8 bytes a
 *  row).
 *  @throws BadInput as `readTable`; RaptError badInput when an input changes meanwhile, corruptArtifact when a finished
 *  shard was damaged; the signal's reason when aborted. */
export async function draw(
  spec: ReleaseSpec,
  splits: readonly ReleaseSplit[],
  inputs: readonly InputFile[],
  options: DrawOptions,
): Promise<DrawnRelease> {
  const complete = await findComplete(splits, options);
  if (complete !== null) return complete;
  await prepareFolder(options);
  const response = responseOf(spec, options);
  const shards = await drawShards(spec, splits, inputs, response, options);
  const manifest = spec.toManifest({
    guarantee: options.mechanism.guarantee,
    labelNoise: response?.noise ?? null,
    rows: { train: rowsOf(splits, 'train'), test: rowsOf(splits, 'test') },
    shards,
  });
  return completeRelease(manifest, options);
}

/** The release that is there; null when something of it is missing. */
async function findComplete(
  splits: readonly ReleaseSplit[],
  { folder, onProgress }: DrawOptions,
): Promise<DrawnRelease | null> {
  const complete = await openRelease(folder);
  if (complete === null) return null;
  // The attempt that completed it may have ended before it removed them.
  await removeTables(folder);
  const rowsTotal = rowsOf(splits);
  onProgress?.({ rows: rowsTotal, rowsTotal });
  return { ...complete, reused: true };
}

async function prepareFolder({ folder, mechanism, signal }: DrawOptions): Promise<void> {
  makeFolder(recordsFolder(folder), 0o700);
  await removeStaleTemporaries(folder);
  await mechanism.keepTables?.(tablesFolder(folder), signal);
}

/** Of all splits: those that are missing are drawn, the others found. */
async function drawShards(
  spec: ReleaseSpec,
  splits: readonly ReleaseSplit[],
  inputs: readonly InputFile[],
  response: RandomizedResponse | null,
  options: DrawOptions,
): Promise<FinishedShard[]> {
  const { folder, earlier, signal, onProgress, rowsPerShard = ROWS_PER_SHARD } = options;
  const rowsTotal = rowsOf(splits);
  const versions = earlier?.versions(privateFolder(folder)) ?? null;
  const drawing: Drawing = {
    ...options,
    settings: spec.settings,
    inputs,
    response,
    rowsPerShard,
    find: earlier?.finder(response !== null),
    mayFind: (earlier?.size ?? 0) > 0,
    versions,
    turns: new Turns(signal),
  };
  const shards: FinishedShard[] = [];
  let rowsBefore = 0;
  try {
    for (const { split, rows, read } of splits) {
      const before = rowsBefore;
      const onRows = (seen: number): void => onProgress?.({ rows: before + seen, rowsTotal });
      shards.push(...(await drawSplit(new SplitDrawing(drawing, split, onRows), rows, read())));
      rowsBefore += rows;
    }
  } finally {
    await versions?.close();
  }
  return shards;
}

async function drawSplit(drawing: SplitDrawing, rows: number, read: AsyncIterable<Row>): Promise<FinishedShard[]> {
  for await (const row of read) {
    if (drawing.isBetweenShards) drawing.beginShard();
    await drawing.add(row);
    if (drawing.isBetweenShards) await drawing.finishShard();
  }
  if (!drawing.isBetweenShards) await drawing.finishShard();
  await drawing.finish(rows);
  return drawing.shards;
}

/** With the manifest the release gets its content's name, and may leave. */
async function completeRelease(manifest: ReleaseManifest, { folder, signal }: DrawOptions): Promise<DrawnRelease> {
  signal?.throwIfAborted();
  await writeOnce(folder, join(folder, MANIFEST_FILE), Buffer.from(canonicalJson(manifest)));
  const drawn = await openRelease(folder);
  if (drawn === null) throw new Error(`${folder} was removed while it was written`);
  await removeTables(folder);
  return { ...drawn, reused: false };
}

function responseOf({ settings }: ReleaseSpec, { random }: DrawOptions): RandomizedResponse | null {
  const { labelEpsilon, classes } = settings;
  return labelEpsilon === null ? null : new RandomizedResponse(labelEpsilon, classes.length, random);
}

const removeTables = (folder: string): Promise<void> => rm(tablesFolder(folder), { recursive: true, force: true });

const rowsOf = (splits: readonly ReleaseSplit[], split?: Split): number =>
  splits.reduce((sum, one) => sum + (split === undefined || one.split === split ? one.rows : 0), 0);
