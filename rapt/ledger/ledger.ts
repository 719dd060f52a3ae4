/** What has left this client, text by text, and what of each budget is left.
 *
 *  Unit. k independent releases of one text under eta_1 ... eta_k have a log-ratio of at most (eta_1 + ... + eta_k) * d(x, x') for each token
 *  (sequential composition: the releases are independent given the text, so their log-ratios add up). So a text's spending is the sum of
 *  the etas under which it was released, a text that stands twice in one table having been released twice. Etas of two embedding tables
 *  measure other distances; they are summed all the same, and the ledger names the table of each.
 *
 *  Order. A release is RESERVED before anything is drawn, RELEASED is entered before its first byte leaves, and its cost counts from the
 *  reservation on: a kill in between can neither lose the cost nor charge it twice. A release that was reserved and has not left may be
 *  dropped, and then costs nothing. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ErrorKind, RaptError, sha256Schema, type Sha256 } from '../../contracts/index.ts';
import { makeFolder, sha256Of, writeOnce } from '../../system/index.ts';
import { exceededTenantBudget, exceededTextBudget, type Limits } from './budget.ts';
import { Journal } from './journal.ts';
import { countTexts, decodeTexts, encodeTexts, forEachCommon, type TextCounts, type TextDigests } from './texts.ts';

const common = { format: z.literal('rapt-ledger/2'), at: z.iso.datetime(), localKey: z.string() };
const reservationSchema = z.strictObject({
  ...common,
  kind: z.literal('reserved'),
  tenant: z.string(),
  /** The run that it was first drawn for. Runs that use it again are not entered: they cost nothing. */
  run: z.string(),
  purpose: z.enum(['tuning', 'prediction', 'file']),
  mechanism: z.string(),
  /** Null for mechanism none, which spends everything. */
  eta: z.number().nullable(),
  /** Of randomized response on each label; null when labels left as they are, or none did. */
  labelEpsilon: z.number().nullable(),
  /** SHA-256 of the embedding table that gives eta its meaning. */
  table: z.string(),
  /** Distinct texts; times that the most frequent one occurs. */
  texts: z.int(),
  most: z.int(),
  /** SHA-256 of the file with the texts' digests. */
  digests: sha256Schema,
  /** Releases from which rows are taken over, which are not among the texts here: they were paid for there. */
  takesOver: z.array(z.string()).optional(),
});
const entrySchema = z.discriminatedUnion('kind', [
  reservationSchema,
  z.strictObject({ ...common, kind: z.literal('released'), digest: sha256Schema, tokens: z.int() }),
  z.strictObject({ ...common, kind: z.literal('dropped') }),
]);
type Entry = z.output<typeof entrySchema>;
type Reservation = z.output<typeof reservationSchema>;

/** A release that counts. */
export interface LedgerRelease extends Omit<Reservation, 'format' | 'kind' | 'at' | 'digests'> {
  readonly reservedAt: string;
  /** When it was about to leave, under which digest; null while it has not. */
  readonly released: { readonly at: string; readonly digest: Sha256; readonly tokens: number } | null;
}

export interface ReservationRequest extends Pick<Reservation, 'localKey' | 'tenant' | 'run' | 'purpose' | 'mechanism' | 'eta' | 'labelEpsilon' | 'table' | 'takesOver'> {
  readonly limits: Limits;
  /** Called when the release is not in the ledger yet. */
  readonly texts: () => Promise<TextDigests>;
}

/** One release that a text was in. */
export interface TextRelease {
  readonly release: LedgerRelease;
  /** Times that the text occurs in it. */
  readonly times: number;
}

/** The ledger of one tenant on this client. Many processes may use it at once. */
export class Ledger {
  readonly #folder: string;
  readonly #journal: Journal<Entry>;

  /** @param tenantFolder where the client keeps what is the tenant's. */
  constructor(tenantFolder: string) {
    this.#folder = join(tenantFolder, 'ledger');
    this.#journal = new Journal(this.#folder, (content) => entrySchema.parse(content));
  }

  /** Releases that count, in the order of their reservation. @throws RaptError corruptArtifact. */
  async releases(): Promise<LedgerRelease[]> {
    return [...fold(await this.#journal.read()).values()].map(({ release }) => release);
  }

  /** Enters the cost of a release before it is drawn; one that is entered already costs nothing more.
   *  @returns the release. @throws RaptError budgetExceeded, and then nothing was entered. */
  async reserve({ limits, texts, ...request }: ReservationRequest): Promise<LedgerRelease> {
    let kept: { readonly counts: TextCounts; readonly digests: Sha256 } | undefined;
    await this.#journal.append(async (entries) => {
      const state = fold(entries);
      if (state.has(request.localKey)) return null;
      const { counts, digests } = (kept ??= await this.#keepTexts(await texts()));
      const problem = exceededTenantBudget(limits, [...state.values()].map(({ release }) => release), { eta: request.eta, most: mostOf(counts) })
        ?? (limits.perText === null ? null : exceededTextBudget(limits.perText, counts, await this.#spent(counts.digests, state), request.eta));
      if (problem !== null) throw new RaptError(ErrorKind.budgetExceeded, `${problem}. Nothing was drawn`);
      const { localKey, tenant, run, purpose, mechanism, eta, labelEpsilon, table, takesOver = [] } = request;
      return { format: 'rapt-ledger/2', kind: 'reserved', at: now(), localKey, tenant, run, purpose, mechanism, eta, labelEpsilon, table, texts: counts.digests.length, most: mostOf(counts), digests, ...(takesOver.length > 0 && { takesOver }) };
    });
    return fold(await this.#journal.read()).get(request.localKey)!.release;
  }

  /** Enters that a reserved release is about to leave; one that is entered stays as it is.
   *  @throws RaptError badInput when it was not reserved, or left as another noisy version of the same texts. */
  async release(localKey: string, digest: Sha256, tokens: number): Promise<void> {
    await this.#journal.append((entries) => {
      const release = fold(entries).get(localKey)?.release;
      if (release === undefined)
        throw new RaptError(ErrorKind.badInput, `release ${localKey} is not in the ledger, or was dropped from it; start the run again, so that its cost is entered before it leaves`);
      if (release.released === null) return { format: 'rapt-ledger/2', kind: 'released', at: now(), localKey, digest, tokens };
      if (release.released.digest !== digest) throw releasedAlready(release);
      return null;
    });
  }

  /** Takes the cost of a release back. @throws RaptError badInput when it has left, or is not there. */
  async drop(localKey: string): Promise<void> {
    await this.#journal.append((entries) => {
      const release = fold(entries).get(localKey)?.release;
      if (release === undefined) throw new RaptError(ErrorKind.badInput, `there is no release ${localKey} in the ledger; see \`rapt ledger\``);
      if (release.released !== null) throw new RaptError(ErrorKind.badInput, `release ${localKey} left this machine at ${release.released.at}; what it cost cannot be taken back`);
      return { format: 'rapt-ledger/2', kind: 'dropped', at: now(), localKey };
    });
  }

  /** What each text has spent so far. @param digests ascending, each once. @returns sums of eta; Infinity for one that left in plain. */
  async spent(digests: BigUint64Array): Promise<Float64Array> {
    return this.#spent(digests, fold(await this.#journal.read()));
  }

  /** Releases that one text was in. */
  async historyOf(digest: bigint): Promise<TextRelease[]> {
    const found: TextRelease[] = [];
    for (const { release, digests } of fold(await this.#journal.read()).values()) {
      let times = 0;
      forEachCommon(BigUint64Array.of(digest), await this.#texts(digests), () => times++);
      if (times > 0) found.push({ release, times });
    }
    return found;
  }

  /** Every text of every release that counts. */
  async *texts(): AsyncGenerator<{ digest: bigint } & TextRelease> {
    for (const { release, digests } of fold(await this.#journal.read()).values()) {
      const counts = countTexts(await this.#texts(digests));
      for (let place = 0; place < counts.digests.length; place++) yield { digest: counts.digests[place]!, release, times: counts.times[place]! };
    }
  }

  async #spent(digests: BigUint64Array, state: ReadonlyMap<string, Folded>): Promise<Float64Array> {
    const spent = new Float64Array(digests.length);
    for (const { release, digests: file } of state.values()) {
      const cost = release.eta ?? Infinity;
      forEachCommon(digests, await this.#texts(file), (place) => (spent[place]! += cost));
    }
    return spent;
  }

  /** Written before the entry that names it. */
  async #keepTexts(texts: TextDigests): Promise<{ counts: TextCounts; digests: Sha256 }> {
    const bytes = encodeTexts(texts);
    const sha256 = sha256Of(bytes);
    makeFolder(join(this.#folder, 'texts'), 0o700);
    await writeOnce(this.#folder, this.#textsPath(sha256), bytes);
    return { counts: countTexts(texts), digests: sha256 };
  }

  async #texts(sha256: Sha256): Promise<TextDigests> {
    const path = this.#textsPath(sha256);
    const bytes = await readFile(path).catch(() => null);
    if (bytes === null || sha256Of(bytes) !== sha256) throw new RaptError(ErrorKind.corruptArtifact, `${path} is missing, or was changed or damaged; restore the ledger from a backup`);
    return decodeTexts(bytes);
  }

  readonly #textsPath = (sha256: Sha256): string => join(this.#folder, 'texts', `${sha256}.bin`);
}

/** The texts of a release whose folder was lost are not released a second time. */
export const releasedAlready = ({ localKey, released }: LedgerRelease): RaptError =>
  new RaptError(
    ErrorKind.badInput,
    `these texts were released already, as ${released?.digest ?? ''} at ${released?.at ?? ''}; a second noisy version would add to what is known of them. Restore that release's folder (${localKey}) from a backup`,
  );

interface Folded {
  readonly release: LedgerRelease;
  readonly digests: Sha256;
}

/** What the entries amount to. */
function fold(entries: readonly Entry[]): Map<string, Folded> {
  const state = new Map<string, Folded>();
  for (const entry of entries) {
    const { localKey, at } = entry;
    const known = state.get(localKey);
    if (entry.kind === 'reserved') {
      const { format: _, kind: __, at: reservedAt, digests, ...reservation } = entry;
      state.set(localKey, { release: { ...reservation, reservedAt, released: null }, digests });
    } else if (entry.kind === 'dropped') state.delete(localKey);
    else if (known) state.set(localKey, { ...known, release: { ...known.release, released: { at, digest: entry.digest, tokens: entry.tokens } } });
  }
  return state;
}

const now = (): string => new Date().toISOString();
const mostOf = ({ times }: TextCounts): number => times.reduce((most, count) => Math.max(most, count), 0);
