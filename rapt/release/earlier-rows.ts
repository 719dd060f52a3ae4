/** Rows that were released before: their noisy versions are released again as they are, which tells nobody anything new
 *  and costs nothing.
 *
 *  A noisy version is a version of a row's tokens, those that are kept of it, and of its label where labels are drawn.
 *  Beside each shard the client keeps a keyed digest of these for every row that was drawn there, in the order of the
 *  shard. A later release under the same settings finds the row by it. A row that stands k times in a table has k
 *  versions, and each is handed out once: in the order of the releases, so that every attempt, whatever was killed
 *  before it, hands out the same. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import {
  canonicalJson,
  MANIFEST_FILE,
  releaseManifestSchema,
  type ReleaseManifest,
  type Sha256,
  type Shard,
} from '../../contracts/index.ts';
import { makeFolder, readWritten, sha256Of, writeOnce } from '../../system/index.ts';
import type { Row, Split } from '../data/index.ts';
import { Turns } from '../turns.ts';
import { DigestIndex } from './digest-index.ts';
import { choiceFile, digestsFile, privateFolder } from './layout.ts';
import { lost, readDigests, rowDigest, TAKEN_OVER } from './row-digests.ts';
import { RowVersions, type EarlierShard } from './row-versions.ts';
import { readShard } from './shard.ts';
import type { Fit, ReleaseSpec } from './spec.ts';
import type { KeptTokens } from './truncate.ts';

/** A release on this client. */
export interface EarlierRelease {
  readonly folder: string;
  readonly digest: Sha256;
}

/** Whether the rows of a release are what one of these settings would draw, and are at hand with their digests. */
export async function canTakeOver(release: EarlierRelease, wanted: ReleaseSpec): Promise<boolean> {
  return (await heldAgainst(release, wanted)) === 'fits';
}

/** Whether the rows of a release could be taken over, had it been drawn among these classes: its labels are then drawn
 *  a second time. */
export async function hasOtherClasses(release: EarlierRelease, wanted: ReleaseSpec): Promise<boolean> {
  return (await heldAgainst(release, wanted)) === 'has other classes';
}

async function heldAgainst(release: EarlierRelease, wanted: ReleaseSpec): Promise<Fit> {
  const manifest = await manifestOf(release);
  if (manifest === null) return 'does not fit';
  const fit = wanted.fits(manifest);
  const isKept = ({ sha256 }: Shard): boolean => existsSync(digestsFile(release.folder, sha256));
  return fit !== 'does not fit' && manifest.shards.every(isKept) ? fit : 'does not fit';
}

/** Null when it is not there any more, or is another release's. */
async function manifestOf({ folder, digest }: EarlierRelease): Promise<ReleaseManifest | null> {
  const bytes = await readWritten(join(folder, MANIFEST_FILE));
  if (bytes === null || sha256Of(bytes) !== digest) return null;
  return releaseManifestSchema.parse(JSON.parse(bytes.toString('utf8')));
}

/** The releases from which the rows of this folder's shards are taken over, by the names of their folders; null when
 *  nobody has chosen yet. */
export async function chosenReleases(folder: string): Promise<string[] | null> {
  const bytes = await readWritten(choiceFile(folder));
  return bytes === null ? null : z.array(z.string()).parse(JSON.parse(bytes.toString('utf8')));
}

/** Chooses once, before the first shard: all shards of a folder, whoever draws them and however often its cost was
 *  taken back and entered again, go by one choice. @returns the choice that holds. */
export async function chooseReleases(folder: string, localKeys: readonly string[]): Promise<string[]> {
  makeFolder(privateFolder(folder), 0o700);
  await writeOnce(folder, choiceFile(folder), Buffer.from(canonicalJson(localKeys)));
  return (await chosenReleases(folder))!;
}

export interface FoundRow {
  readonly digest: bigint;
  /** Of its version, for `read`; null for a row that was not released before, or not as often. */
  readonly place: number | null;
}

/** To be asked of every row of a release, in the release's order. */
export type Finder = (row: Row, split: Split, tokens: KeptTokens) => FoundRow;

export class EarlierRows {
  readonly #secret: Uint8Array;
  readonly #shards: readonly EarlierShard[];
  readonly #index: DigestIndex;

  private constructor(secret: Uint8Array, shards: readonly EarlierShard[], index: DigestIndex) {
    this.#secret = secret;
    this.#shards = shards;
    this.#index = index;
  }

  /** @param releases for which `canTakeOver` holds; the list may be empty. @param secret this client's own, from
   *  `clientSecret`.
   *  @throws RaptError corruptArtifact when one of them is not here any more. */
  static async open(releases: readonly EarlierRelease[], secret: Uint8Array): Promise<EarlierRows> {
    const shards: EarlierShard[] = [];
    const lists: BigUint64Array[] = [];
    let start = 0;
    for (const release of releases) {
      const { folder } = release;
      const manifest = await manifestOf(release);
      if (manifest === null) throw lost(join(folder, MANIFEST_FILE));
      for (const { file, split, sha256, rows } of manifest.shards) {
        const list = await readDigests(folder, sha256, rows);
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
      const digest = rowDigest(tokens, isDrawn ? row.label : null, this.#secret);
      return { digest, place: next(isDrawn ? placed(digest, row.number) : digest) };
    };
  }

  /** For reading versions by their places, in any order. @param folder for a temporary file as large as the rows of the
   *  shards that are asked for. */
  versions(folder: string): RowVersions {
    return new RowVersions(this.#shards, folder);
  }
}

/** Where labels are drawn, a version goes to the row of its own number alone. Otherwise two rows with equal tokens
 *  would reveal equal labels: the provider chooses how much of a text is kept, and which rows are in a release. */
const placed = (digest: bigint, row: number): bigint => digest ^ BigInt.asUintN(64, BigInt(row + 1) * ODD);
const ODD = 0x9e37_79b9_7f4a_7c15n;

/** As they are looked for by the finder. */
async function placeDigests(list: BigUint64Array, shard: string): Promise<void> {
  const { rows } = await readShard(shard).catch((cause: unknown) => {
    throw lost(shard, cause);
  });
  for (const [at, digest] of list.entries()) if (digest !== TAKEN_OVER) list[at] = placed(digest, rows[at]!);
}
