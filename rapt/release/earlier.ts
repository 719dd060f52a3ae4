/** Rows that were released before: their noisy versions are released again as they are, which tells nobody anything new
 *  and costs nothing.
 *
 *  A noisy version is a version of a row's tokens, those that are kept of it, and of its label where labels are drawn.
 *  Beside each shard the client keeps a keyed digest of these for every row that was drawn there, in the order of the
 *  shard. A later release under the same settings finds the row by it. A row that stands k times in a table has k
 *  versions, and each is handed out once: in the order of the releases, so that every attempt, whatever was killed
 *  before it, hands out the same. */
import { createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import {
  canonicalJson,
  ErrorKind,
  MANIFEST_FILE,
  RaptError,
  releaseManifestSchema,
  type Guarantee,
  type ReleaseManifest,
  type Sha256,
} from '../../contracts/index.ts';
import { makeFolder, readWritten, sha256File, sha256Of, writeOnce } from '../../system/index.ts';
import type { Row, Split } from '../data/index.ts';
import { Turns } from '../turns.ts';
import { DigestIndex } from './digest-index.ts';
import { RowFile, type LaidOut, type RowVersion } from './row-file.ts';
import { readShard } from './shard.ts';
import type { KeptTokens } from './truncate.ts';

const CHOICE_FILE = join('private', 'takes-over.json');
/** In the digests of a shard: a row that was not drawn there but taken over. */
export const TAKEN_OVER = 0n;

/** What must be the same for a row to be taken over. */
export interface VersionSpec extends Pick<ReleaseManifest, 'tenant' | 'classes' | 'pair' | 'maxTokens' | 'plain'> {
  readonly backboneSha256: Sha256;
  readonly guarantee: Pick<Guarantee, 'mechanism' | 'private' | 'eta'> & {
    readonly table: Pick<Guarantee['table'], 'sha256'>;
  };
  readonly labelEpsilon: number | null;
}

/** A release on this client. */
export interface EarlierRelease {
  readonly folder: string;
  readonly digest: Sha256;
}

/** Whether the rows of a release are what one of these settings would draw, and are at hand with their digests. */
export async function canTakeOver(release: EarlierRelease, wanted: VersionSpec): Promise<boolean> {
  return (await heldAgainst(release, wanted)) === 'fits';
}

/** Whether the rows of a release could be taken over, had it been drawn among these classes: its labels are then drawn
 *  a second time. */
export async function hasOtherClasses(release: EarlierRelease, wanted: VersionSpec): Promise<boolean> {
  return (await heldAgainst(release, wanted)) === 'has other classes';
}

async function heldAgainst(
  { folder, digest }: EarlierRelease,
  wanted: VersionSpec,
): Promise<'fits' | 'has other classes' | 'does not fit'> {
  const bytes = await readWritten(join(folder, MANIFEST_FILE));
  if (bytes === null || sha256Of(bytes) !== digest) return 'does not fit';
  const manifest = manifestOf(bytes);
  const { classes, ...rest } = specOf(manifest);
  const { classes: wantedClasses, ...wantedRest } = wanted;
  if (
    canonicalJson(rest) !== canonicalJson(wantedRest) ||
    !manifest.shards.every(({ sha256 }) => existsSync(digestsFile(folder, sha256)))
  )
    return 'does not fit';
  // A drawn label is one of the classes that it was drawn among. One that leaves as it is can be numbered anew.
  return rest.labelEpsilon === null || canonicalJson(classes) === canonicalJson(wantedClasses)
    ? 'fits'
    : 'has other classes';
}

function specOf({
  tenant,
  backbone,
  classes,
  pair,
  maxTokens,
  plain,
  guarantee,
  labelNoise,
}: ReleaseManifest): VersionSpec {
  const { mechanism, eta, table } = guarantee;
  return {
    tenant,
    classes,
    pair,
    maxTokens,
    plain,
    backboneSha256: backbone.sha256,
    guarantee: { mechanism, eta, private: guarantee.private, table: { sha256: table.sha256 } },
    labelEpsilon: labelNoise?.epsilon ?? null,
  };
}

const manifestOf = (bytes: Buffer): ReleaseManifest => releaseManifestSchema.parse(JSON.parse(bytes.toString('utf8')));

/** The releases from which the rows of this folder's shards are taken over, by the names of their folders; null when
 *  nobody has chosen yet. */
export async function chosenReleases(folder: string): Promise<string[] | null> {
  const bytes = await readWritten(join(folder, CHOICE_FILE));
  return bytes === null ? null : z.array(z.string()).parse(JSON.parse(bytes.toString('utf8')));
}

/** Chooses once, before the first shard: all shards of a folder, whoever draws them and however often its cost was
 *  taken back and entered again, go by one choice. @returns the choice that holds. */
export async function chooseReleases(folder: string, localKeys: readonly string[]): Promise<string[]> {
  makeFolder(join(folder, 'private'), 0o700);
  await writeOnce(folder, join(folder, CHOICE_FILE), Buffer.from(canonicalJson(localKeys)));
  return (await chosenReleases(folder))!;
}

export interface FoundRow {
  readonly digest: bigint;
  /** Of its version, for `read`; null for a row that was not released before, or not as often. */
  readonly place: number | null;
}

/** To be asked of every row of a release, in the release's order. */
export type Finder = (row: Row, split: Split, tokens: KeptTokens) => FoundRow;

interface EarlierShard {
  readonly path: string;
  readonly sha256: Sha256;
  /** Place of its first row. */
  readonly start: number;
}

export class EarlierRows {
  readonly #secret: Uint8Array;
  readonly #shards: readonly EarlierShard[];
  readonly #index: DigestIndex;

  private constructor(secret: Uint8Array, shards: readonly EarlierShard[], index: DigestIndex) {
    this.#secret = secret;
    this.#shards = shards;
    this.#index = index;
  }

  /** @param releases for which `canTakeOver` holds; none is right, too. @param secret this client's own, from
   *  `clientSecret`.
   *  @throws RaptError corruptArtifact when one of them is not here any more. */
  static async open(releases: readonly EarlierRelease[], secret: Uint8Array): Promise<EarlierRows> {
    const shards: EarlierShard[] = [];
    const lists: BigUint64Array[] = [];
    let start = 0;
    for (const { folder, digest } of releases) {
      const path = join(folder, MANIFEST_FILE);
      const bytes = await readWritten(path);
      if (bytes === null || sha256Of(bytes) !== digest) throw lost(path);
      const manifest = manifestOf(bytes);
      for (const { file, split, sha256, rows } of manifest.shards) {
        const list = await readDigests(folder, sha256);
        if (list.length !== rows) throw lost(digestsFile(folder, sha256));
        if (manifest.labelNoise !== undefined && split === 'train') await placeDigests(list, join(folder, file));
        shards.push({ path: join(folder, file), sha256, start });
        lists.push(list);
        start += rows;
      }
    }
    const digests = new BigUint64Array(start);
    for (const [at, list] of lists.entries()) digests.set(list, shards[at]!.start);
    return new EarlierRows(secret, shards, await DigestIndex.of(digests, TAKEN_OVER, new Turns()));
  }

  /** Rows that can be taken over. */
  get size(): number {
    return this.#index.size;
  }

  /** Hands out each version once, from the start. @param labelsDrawn whether the training labels of the release are
   *  drawn. */
  finder(labelsDrawn: boolean): Finder {
    const next = this.#index.handOut();
    return (row, split, tokens) => {
      const isDrawn = labelsDrawn && split === 'train';
      const digest = this.#digestOf(tokens, isDrawn ? row.label : null);
      return { digest, place: next(isDrawn ? placed(digest, row.number) : digest) };
    };
  }

  /** For reading versions by their places, in any order. @param folder for a temporary file as large as the rows of the
   *  shards that are asked for. */
  versions(folder: string): Versions {
    return new Versions(this.#shards, folder);
  }

  /** Two of a million rows share a digest with a chance of 3e-8; one of them then gets the other's version, and is not
   *  released itself. */
  #digestOf({ text, pair }: KeptTokens, drawnLabel: string | null): bigint {
    const hash = createHmac('sha256', this.#secret)
      .update(`row ${text.length}\0`)
      .update(bytesOf(text))
      .update(bytesOf(pair));
    if (drawnLabel !== null) hash.update(`\0label\0${drawnLabel}`);
    const digest = hash.digest().readBigUInt64BE();
    return digest === TAKEN_OVER ? 1n : digest;
  }
}

/** Versions of earlier rows. A table in a new order asks for rows of all shards at random, and of a shard nothing can
 *  be had but the whole: so each is read once, when a row of it is asked for first, and laid out row by row. Free with
 *  `close`. */
export class Versions {
  readonly #shards: readonly EarlierShard[];
  readonly #folder: string;
  readonly #laidOut = new Map<EarlierShard, LaidOut>();
  #file: RowFile | null = null;

  constructor(shards: readonly EarlierShard[], folder: string) {
    this.#shards = shards;
    this.#folder = folder;
  }

  /** @throws RaptError corruptArtifact when the shard was changed or damaged since. */
  async read(place: number): Promise<RowVersion> {
    const shard = this.#shardOf(place);
    const laidOut = this.#laidOut.get(shard) ?? (await this.#layOut(shard));
    return this.#file!.read(laidOut, place - shard.start);
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  async #layOut(shard: EarlierShard): Promise<LaidOut> {
    const found = await sha256File(shard.path).catch(() => null);
    if (found?.sha256 !== shard.sha256) throw lost(shard.path);
    this.#file ??= await RowFile.open(this.#folder);
    const laidOut = await this.#file.append(await readShard(shard.path));
    this.#laidOut.set(shard, laidOut);
    return laidOut;
  }

  /** The last one that starts at the place or before it. */
  #shardOf(place: number): EarlierShard {
    let [low, high] = [0, this.#shards.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#shards[middle]!.start <= place) low = middle;
      else high = middle;
    }
    return this.#shards[low]!;
  }
}

/** Kept before the shard gets its name, as its record is. */
export async function writeDigests(folder: string, shard: Sha256, digests: readonly bigint[]): Promise<void> {
  const path = digestsFile(folder, shard);
  makeFolder(dirname(path), 0o700);
  await writeOnce(folder, path, new Uint8Array(BigUint64Array.from(digests).buffer));
}

async function readDigests(folder: string, shard: Sha256): Promise<BigUint64Array> {
  const path = digestsFile(folder, shard);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw lost(path, cause);
  });
  return new BigUint64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** Where labels are drawn, a version goes to the row of its own number alone. Two rows of equal tokens would else tell
 *  that their labels are equal: the provider chooses how much of a text is kept, and which rows are in a release. */
const placed = (digest: bigint, row: number): bigint => digest ^ BigInt.asUintN(64, BigInt(row + 1) * ODD);
const ODD = 0x9e37_79b9_7f4a_7c15n;

/** As they are looked for by the finder. */
async function placeDigests(list: BigUint64Array, shard: string): Promise<void> {
  const { rows } = await readShard(shard).catch((cause: unknown) => {
    throw lost(shard, cause);
  });
  for (const [at, digest] of list.entries()) if (digest !== TAKEN_OVER) list[at] = placed(digest, rows[at]!);
}

const digestsFile = (folder: string, shard: Sha256): string => join(folder, 'private', 'rows', `${shard}.bin`);
const bytesOf = (ids: Int32Array): Uint8Array => new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength);

const lost = (path: string, cause?: unknown): RaptError =>
  new RaptError(
    ErrorKind.corruptArtifact,
    `${path} is missing, or was changed or damaged. This release takes rows over from it; restore the file: ` +
      'drawing them again would release them a second time',
    { cause },
  );
