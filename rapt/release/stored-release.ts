/** A release on this client's disk: its shards, what the client remembers of each, and the manifest. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, ErrorKind, MANIFEST_FILE, RaptError, releaseManifestSchema } from '../../contracts/index.ts';
import type { ReleaseManifest, Sha256, Shard } from '../../contracts/index.ts';
import type { Split } from '../data/index.ts';
import { parseJson } from '../json.ts';
import { dropKeptTables } from '../privacy/index.ts';
import { isOutOfSpace, sha256File, sha256Of, writeOnce } from '../../system/index.ts';
import type { ShardBuilder } from './builder.ts';
import { recordFile, tablesFolder } from './layout.ts';
import { writeDigests } from './row-digests.ts';
import { encodeShard } from './shard.ts';

/** A release that is complete. */
export interface StoredRelease {
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

/** A shard that has its name, which no attempt draws again. */
export type FinishedShard = Shard & ShardRecord;

/** Reads a complete release and checks every byte of it; null when the manifest is not there yet. @throws RaptError
 *  corruptArtifact. */
export async function openRelease(folder: string): Promise<StoredRelease | null> {
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

/** What of a shard is counted besides its tokens. */
export interface Counted {
  /** Number of classes; null where labels are not drawn. */
  readonly drawnClasses: number | null;
  readonly unknown: boolean;
}

/** The bytes are flushed together with what the client must remember about them before the shard gets its name:
 *  whatever attempt wins the name, its record is there. */
export async function writeShard(folder: string, file: string, builder: ShardBuilder, counted: Counted): Promise<void> {
  const shard = builder.finish();
  const bytes = encodeShard(shard);
  const sha256 = sha256Of(bytes);
  const { tokens, unchanged, unknown, takenOver, digests } = builder;
  const record: ShardRecord = {
    rows: shard.count,
    tokens,
    unchanged,
    ...(counted.unknown && { unknown }),
    ...(takenOver > 0 && { takenOver }),
    ...(counted.drawnClasses !== null &&
      shard.labels !== null && { classCounts: countsOf(shard.labels, counted.drawnClasses) }),
  };
  const write = async (): Promise<void> => {
    if (digests.length > 0) await writeDigests(folder, sha256, digests);
    await writeOnce(folder, recordFile(folder, sha256), Buffer.from(canonicalJson(record)));
    await writeOnce(folder, join(folder, file), bytes);
  };
  await write().catch(async (error: unknown) => {
    // What can be made anew makes room for what cannot.
    if (!isOutOfSpace(error) || !dropKeptTables(tablesFolder(folder))) throw error;
    await write();
  });
}

/** @throws RaptError corruptArtifact when a shard that has its name was changed or is gone. */
export async function describeShard(folder: string, file: string, split: Split): Promise<FinishedShard> {
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

function countsOf(labels: Int32Array, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label]!++;
  return counts;
}

const damaged = (path: string, cause?: unknown): RaptError =>
  new RaptError(
    ErrorKind.corruptArtifact,
    `${path} was changed or damaged after it was drawn. Restore the file; drawing it again would release its texts ` +
      'a second time',
    { cause },
  );
