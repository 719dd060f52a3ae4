/** Drawing a release: the one noisy version of each text, made durable shard by shard.
 *
 *  The guarantee covers one noisy version of a text. So a shard, once it has its final name, is never drawn again: not
 *  after a crash, not by a second attempt at the same time, not by a later run with the same settings. Nothing leaves
 *  the machine before the manifest, which is written last, names every shard; a shard that lost the race for its name
 *  was seen by nobody. */
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, ErrorKind, MANIFEST_FILE, RaptError, releaseManifestSchema } from '../../contracts/index.ts';
import type { ReleaseManifest, Sha256, Shard } from '../../contracts/index.ts';
import type { Tokenizer } from '../backbone/index.ts';
import type { Row, Split } from '../data/index.ts';
import { parseJson } from '../json.ts';
import { writeDigests } from './earlier.ts';
import type { EarlierRows, FoundRow, Versions } from './earlier.ts';
import { dropKeptTables, RandomizedResponse, systemRandom, withLabelNoise } from '../privacy/index.ts';
import type { Mechanism, RandomSource } from '../privacy/index.ts';
import { Turns } from '../turns.ts';
import {
  isOutOfSpace,
  makeFolder,
  removeStaleTemporaries,
  sha256File,
  sha256Of,
  writeOnce,
} from '../../system/index.ts';
import { ShardBuilder } from './builder.ts';
import type { PlainTokens } from './builder.ts';
import { assertUnchanged } from './key.ts';
import type { InputFile } from './key.ts';
import { LabelCollector } from './labels.ts';
import type { RowVersion } from './row-file.ts';
import { encodeShard } from './shard.ts';
import { keptTokens } from './truncate.ts';

export const PRIVATE_FOLDER = 'private';
/** In the private folder, while a release is drawn: what the sampler makes of its tokens, for the attempts after this
 *  one. */
const TABLES_FOLDER = 'tables';
/** Some 1 MB of ids at 30 tokens a row: little memory, and little lost to a crash. */
const ROWS_PER_SHARD = 8192;

/** Everything about a release that is known before it is drawn. */
export interface ReleaseSpec {
  readonly tenant: string;
  readonly backbone: ReleaseManifest['backbone'];
  readonly classes: readonly string[];
  readonly classCounts: readonly number[];
  /** Under which training labels are drawn; null lets them leave as they are. */
  readonly labelEpsilon: number | null;
  readonly pair: boolean;
  readonly maxTokens: number;
  readonly plain: PlainTokens | false;
}

/** The rows of one split, in the order of the release. */
export interface ReleaseSplit {
  readonly split: Split;
  readonly rows: number;
  readonly read: () => AsyncIterable<Row>;
}

export interface DrawOptions {
  /** This release's own folder; made if need be. */
  readonly folder: string;
  readonly tokenizer: Pick<Tokenizer, 'encode'> & Partial<Pick<Tokenizer, 'unknownId'>>;
  readonly mechanism: Pick<Mechanism, 'privatizeInTurns' | 'batchTokens' | 'guarantee'> &
    Partial<Pick<Mechanism, 'keepTables'>>;
  /** Source of the plain tokens. Default: the operating system's. */
  readonly random?: RandomSource | undefined;
  /** Stops within a batch; finished shards stay and are taken over by the next attempt. */
  readonly signal?: AbortSignal | undefined;
  /** Called after every batch, and for shards that are there already. */
  readonly onProgress?: ((progress: { rows: number; rowsTotal: number }) => void) | undefined;
  /** Called with the number of the user's tokens for which a noisy version was drawn just now. */
  readonly onDrawn?: ((tokens: number) => void) | undefined;
  readonly rowsPerShard?: number | undefined;
  /** Rows that were released before, which are taken over as they were. With it, what later releases need to take over
   *  these is kept. */
  readonly earlier?: EarlierRows | undefined;
}

export interface DrawnRelease {
  readonly manifest: ReleaseManifest;
  /** SHA-256 of manifest.json's bytes. */
  readonly digest: Sha256;
  /** Share of the user's tokens that stayed themselves. Not in the manifest: it is a second look at the plain text, and
   *  for a release of one short text it would tell which tokens are true. */
  readonly unchangedRate: number;
  /** Share of the user's tokens that the backbone's tokenizer does not know; null where they were not counted. */
  readonly unknownRate: number | null;
  /** Rows that were taken over from earlier releases. */
  readonly takenOver: number;
  /** True when the release was complete already and nothing was drawn. */
  readonly reused: boolean;
}

/** What the client keeps about a shard, under private/shards/<sha256 of the shard>.json. */
interface ShardRecord {
  readonly rows: number;
  readonly tokens: number;
  readonly unchanged: number;
  /** Of the tokens; absent where they were not counted. */
  readonly unknown?: number;
  /** Rows taken over from earlier releases, if there are any. */
  readonly takenOver?: number;
  /** Rows of each class by the labels that were drawn; in training shards whose labels were. */
  readonly classCounts?: readonly number[];
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
  const versions = options.earlier?.versions(join(options.folder, PRIVATE_FOLDER)) ?? null;
  try {
    return await drawMissing(spec, splits, inputs, options, versions);
  } finally {
    await versions?.close();
  }
}

async function drawMissing(
  spec: ReleaseSpec,
  splits: readonly ReleaseSplit[],
  inputs: readonly InputFile[],
  options: DrawOptions,
  versions: Versions | null,
): Promise<DrawnRelease> {
  const { folder, signal, onProgress, rowsPerShard = ROWS_PER_SHARD, tokenizer, earlier } = options;
  const complete = await openRelease(folder);
  const rowsTotal = splits.reduce((sum, { rows }) => sum + rows, 0);
  const tablesFolder = join(folder, PRIVATE_FOLDER, TABLES_FOLDER);
  if (complete !== null) {
    await rm(tablesFolder, { recursive: true, force: true });
    onProgress?.({ rows: rowsTotal, rowsTotal });
    return { ...complete, reused: true };
  }
  makeFolder(join(folder, PRIVATE_FOLDER, 'shards'), 0o700);
  await removeStaleTemporaries(folder);
  await options.mechanism.keepTables?.(tablesFolder, signal);

  const classNumber = classNumbers(spec.classes);
  const response =
    spec.labelEpsilon === null ? null : new RandomizedResponse(spec.labelEpsilon, spec.classes.length, options.random);
  const find = earlier?.finder(response !== null);
  const versionOf = async (found: FoundRow | undefined): Promise<RowVersion | null> =>
    versions === null || found === undefined || found.place === null ? null : versions.read(found.place);
  const turns = new Turns(signal);
  const finished: (Shard & ShardRecord)[] = [];
  let rowsBefore = 0;
  for (const { split, rows, read } of splits) {
    const builderOptions = {
      ...options,
      ...spec,
      batchTokens: options.mechanism.batchTokens,
      random: options.random ?? systemRandom,
      unknownId: tokenizer.unknownId,
      classNumber: split === 'train' ? classNumber : null,
      response,
    };
    const labels = new LabelCollector();
    let seen = 0;
    let index = 0;
    let builder: ShardBuilder | null = null;
    const finishShard = async (): Promise<void> => {
      const file = shardFile(split, index++);
      // An input that changed while it was read must not get into the release: neither this shard nor any after it is
      // kept.
      for (const input of inputs) await assertUnchanged(input);
      if (builder !== null) {
        await drawBatch(builder, options);
        await writeShard(
          folder,
          file,
          builder,
          response === null ? null : spec.classes.length,
          tokenizer.unknownId !== undefined,
        );
      }
      builder = null;
      const shard = await describeShard(folder, file, split);
      if ((shard.classCounts ?? spec.classes).length !== spec.classes.length) throw begunAmongOthers(folder);
      finished.push(shard);
      onProgress?.({ rows: rowsBefore + seen, rowsTotal });
      signal?.throwIfAborted();
    };
    for await (const row of read()) {
      const inShard = seen++ % rowsPerShard;
      if (inShard === 0 && !existsSync(join(folder, shardFile(split, index))))
        builder = new ShardBuilder(builderOptions);
      if (split === 'test') labels.add(row.number, row.label === null ? null : classNumber(row.label));
      // Of a finished shard, too: each earlier version is handed out once, and in this order.
      if (builder !== null || (earlier?.size ?? 0) > 0) {
        const tokens = keptTokens(row, tokenizer, spec.maxTokens);
        const found = find?.(row, split, tokens);
        if (builder?.add(row, tokens, found, await versionOf(found)) === true) {
          await drawBatch(builder, options);
          onProgress?.({ rows: rowsBefore + seen, rowsTotal });
        }
      }
      // Rows that are taken over, or were drawn already, make no batch.
      if (turns.due) await turns.next();
      if (inShard === rowsPerShard - 1) await finishShard();
    }
    if (seen % rowsPerShard !== 0) await finishShard();
    if (seen !== rows)
      throw new RaptError(
        ErrorKind.badInput,
        `the ${split} rows changed while they were being privatized: ${rows} before, ${seen} now; start the run again`,
      );
    await labels.write(folder);
    rowsBefore += rows;
  }
  signal?.throwIfAborted();
  await writeOnce(
    folder,
    join(folder, MANIFEST_FILE),
    Buffer.from(canonicalJson(manifestOf(spec, options, splits, finished, response))),
  );
  const drawn = await openRelease(folder);
  if (drawn === null) throw new Error(`${folder} was removed while it was written`);
  await rm(tablesFolder, { recursive: true, force: true });
  return { ...drawn, reused: false };
}

/** Earlier versions drew labels of a part of a table among the classes of that part. */
const begunAmongOthers = (folder: string): RaptError =>
  new RaptError(
    ErrorKind.badInput,
    `${folder} was begun by an earlier version of Rapt, with labels drawn among fewer classes than the table has. ` +
      'Nothing of it has left: remove the folder, and start the run again',
  );

async function drawBatch(
  builder: ShardBuilder,
  { mechanism, signal }: Pick<DrawOptions, 'mechanism' | 'signal'>,
): Promise<void> {
  builder.take(await mechanism.privatizeInTurns(builder.waiting(), signal));
}

/** Reads a complete release and checks every byte of it; null when the manifest is not there yet. @throws RaptError
 *  corruptArtifact. */
export async function openRelease(folder: string): Promise<Omit<DrawnRelease, 'reused'> | null> {
  const path = join(folder, MANIFEST_FILE);
  if (!existsSync(path)) return null;
  const bytes = await readFile(path);
  const parsed = releaseManifestSchema.safeParse(parseJson(bytes.toString('utf8')));
  if (!parsed.success) throw damaged(path);
  let tokens = 0;
  let unchanged = 0;
  let unknown: number | null = 0;
  let takenOver = 0;
  for (const shard of parsed.data.shards) {
    const found = await describeShard(folder, shard.file, shard.split);
    if (found.sha256 !== shard.sha256) throw damaged(join(folder, shard.file));
    tokens += found.tokens;
    unchanged += found.unchanged;
    unknown = unknown === null || found.unknown === undefined ? null : unknown + found.unknown;
    takenOver += found.takenOver ?? 0;
  }
  return {
    manifest: parsed.data,
    digest: sha256Of(bytes),
    unchangedRate: tokens === 0 ? 0 : unchanged / tokens,
    unknownRate: unknown === null || tokens === 0 ? null : unknown / tokens,
    takenOver,
  };
}

/** The bytes are flushed together with what the client must remember about them before the shard gets its name:
 *  whatever attempt wins the name, its record is there. */
async function writeShard(
  folder: string,
  file: string,
  builder: ShardBuilder,
  drawnClasses: number | null,
  countsUnknown: boolean,
): Promise<void> {
  const shard = builder.finish();
  const bytes = encodeShard(shard);
  const classCounts =
    drawnClasses === null || shard.labels === null ? {} : { classCounts: countsOf(shard.labels, drawnClasses) };
  const { tokens, unchanged, unknown, takenOver } = builder;
  const record: ShardRecord = {
    rows: shard.count,
    tokens,
    unchanged,
    ...(countsUnknown && { unknown }),
    ...(takenOver > 0 && { takenOver }),
    ...classCounts,
  };
  const write = async (): Promise<void> => {
    if (builder.digests.length > 0) await writeDigests(folder, sha256Of(bytes), builder.digests);
    await writeOnce(folder, recordFile(folder, sha256Of(bytes)), Buffer.from(canonicalJson(record)));
    await writeOnce(folder, join(folder, file), bytes);
  };
  await write().catch(async (error: unknown) => {
    // What can be made anew makes room for what cannot.
    if (!isOutOfSpace(error) || !dropKeptTables(join(folder, PRIVATE_FOLDER, TABLES_FOLDER))) throw error;
    await write();
  });
}

async function describeShard(folder: string, file: string, split: Split): Promise<Shard & ShardRecord> {
  const path = join(folder, file);
  const { sha256, sizeBytes } = await sha256File(path).catch((cause: unknown) => {
    throw damaged(path, cause);
  });
  const bytes = await readFile(recordFile(folder, sha256)).catch((cause: unknown) => {
    throw damaged(path, cause);
  });
  // Written by `writeShard` alone, whole or not at all.
  return { ...(parseJson(bytes.toString('utf8')) as ShardRecord), file, split, sha256, sizeBytes };
}

/** Depends on the finished shards and the settings only, so that a release that was interrupted gets the manifest of
 *  one that was not. */
function manifestOf(
  spec: ReleaseSpec,
  options: DrawOptions,
  splits: readonly ReleaseSplit[],
  finished: readonly (Shard & ShardRecord)[],
  response: RandomizedResponse | null,
): ReleaseManifest {
  const rowsOf = (split: Split): number => splits.find((candidate) => candidate.split === split)?.rows ?? 0;
  return {
    format: 'rapt-release/1',
    tenant: spec.tenant,
    backbone: spec.backbone,
    classes: [...spec.classes],
    classCounts:
      response === null
        ? [...spec.classCounts]
        : spec.classes.map((_, label) =>
            finished.reduce((sum, { classCounts }) => sum + (classCounts?.[label] ?? 0), 0),
          ),
    ...(response === null ? {} : { labelNoise: response.noise }),
    pair: spec.pair,
    maxTokens: spec.maxTokens,
    plain:
      spec.plain === false ? false : { tokensPerRow: spec.plain.tokensPerRow, vocabulary: [...spec.plain.vocabulary] },
    guarantee:
      response === null ? options.mechanism.guarantee : withLabelNoise(options.mechanism.guarantee, response.noise),
    rows: { train: rowsOf('train'), test: rowsOf('test') },
    tokens: finished.reduce((sum, { tokens }) => sum + tokens, 0),
    shards: finished.map(({ file, split, rows, tokens, sha256, sizeBytes }) => ({
      file,
      split,
      rows,
      tokens,
      sha256,
      sizeBytes,
    })),
  };
}

function countsOf(labels: Int32Array, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label]!++;
  return counts;
}

function classNumbers(classes: readonly string[]): (label: string | null) => number {
  const numbers = new Map(classes.map((name, number) => [name, number]));
  return (label) => {
    const number = numbers.get(label ?? '');
    if (number === undefined)
      throw new RaptError(
        ErrorKind.badInput,
        'a row has a label that the first pass over the table did not see; the table changed, start the run again',
      );
    return number;
  };
}

const shardFile = (split: Split, index: number): string => `${split}-${String(index).padStart(5, '0')}.parquet`;
const recordFile = (folder: string, shard: Sha256): string => join(folder, PRIVATE_FOLDER, 'shards', `${shard}.json`);

const damaged = (path: string, cause?: unknown): RaptError =>
  new RaptError(
    ErrorKind.corruptArtifact,
    `${path} was changed or damaged after it was drawn. Restore the file; drawing it again would release its texts ` +
      'a second time',
    { cause },
  );
