/** What has left this client, text by text, and what of each budget is left.
 *
 *  Unit. k independent releases of one text under eta_1 ... eta_k have a log-ratio of at most (eta_1 + ... + eta_k) *
 *  d(x, x') for each token (sequential composition: the releases are independent given the text, so their log-ratios
 *  add up). So a text's spending is the sum of the etas under which it was released, a text that stands twice in one
 *  table having been released twice. Etas of two embedding tables measure other distances; they are summed all the
 *  same, and the ledger names the table of each.
 *
 *  Labels have an account of their own. Where they are drawn under an epsilon, each draw of a row's label and each
 *  noisy figure about it that is told adds its epsilon to what the row's text has spent on labels; where they leave as
 *  they are, it is everything. All texts of a release count, those of its test rows too: a row may be held out now and
 *  be trained on in the next release, which takes it over.
 *
 *  Order. A release is RESERVED before anything is drawn, RELEASED is entered before its first byte leaves, and its
 *  cost counts from the reservation on: a kill in between can neither lose the cost nor charge it twice. A release that
 *  was reserved and has not left may be dropped, and then costs nothing. */
import { join } from 'node:path';
import { z } from 'zod';
import { ErrorKind, RaptError, sha256Schema, type Sha256 } from '../../contracts/index.ts';
import { makeFolder, readWritten, sha256Of, writeOnce } from '../../system/index.ts';
import {
  counts,
  exceededLabelBudget,
  exceededTenantBudget,
  exceededTextBudget,
  fits,
  type DrawnBefore,
  type Limit,
  type Limits,
} from './budget.ts';
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
  /** What became of labels: none were in it, they left as they are, or they were drawn. Absent in entries of earlier
   *  versions. */
  labels: z.enum(['none', 'plain', 'drawn']).optional(),
  /** Distinct texts among these whose labels had left before, where labels were drawn. */
  labelsAgain: z.int().optional(),
  /** Of a public table, whose texts are nobody's secret. */
  public: z.literal(true).optional(),
  /** SHA-256 of the embedding table that gives eta its meaning. */
  table: z.string(),
  /** Distinct texts; times that the most frequent one occurs, those that are nearly alike being counted as one
   *  (families.ts). */
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
  /** A noisy figure about the labels of the release's rows, told for a run. */
  z.strictObject({ ...common, kind: z.literal('told'), run: z.string(), epsilon: z.number().positive() }),
]);
type Entry = z.output<typeof entrySchema>;
type Reservation = z.output<typeof reservationSchema>;

const TAKEN_OVER_FROM_EQUAL =
  'rows are taken over only from releases under the same settings whose folders are on this client, and only where ' +
  'they have not moved';

/** A noisy figure about labels, for which run, under which epsilon. */
export interface ToldFigure {
  readonly run: string;
  readonly epsilon: number;
  readonly at: string;
}

/** A release that counts. */
export interface LedgerRelease extends Omit<Reservation, 'format' | 'kind' | 'at' | 'digests'> {
  readonly reservedAt: string;
  /** When it was about to leave, under which digest; null while it has not. */
  readonly released: { readonly at: string; readonly digest: Sha256; readonly tokens: number } | null;
  /** Noisy figures about its labels; absent when none was told. */
  readonly told?: readonly ToldFigure[];
}

/** The texts of a release that are drawn. */
export interface DrawnTexts {
  readonly digests: TextDigests;
  /** Size of the largest family of texts that are equal or nearly alike. Without it, only equal ones count. */
  readonly alike?: number | undefined;
}

type Requested =
  | 'localKey'
  | 'tenant'
  | 'run'
  | 'purpose'
  | 'mechanism'
  | 'eta'
  | 'labelEpsilon'
  | 'labels'
  | 'table'
  | 'takesOver'
  | 'public';

export interface ReservationRequest extends Pick<Reservation, Requested> {
  readonly limits: Limits;
  /** Called when the release is not in the ledger yet. */
  readonly texts: () => Promise<DrawnTexts>;
  /** Why labels that were drawn before are drawn again, as the end of a sentence, where more is known than that the
   *  settings differ. */
  readonly drawnAgainBecause?: string | undefined;
}

/** A noisy figure about the labels of a release's rows. */
export interface TellRequest {
  /** Of the release. */
  readonly localKey: string;
  /** For which it is told. */
  readonly run: string;
  /** Of the figure, for the label of any one row. */
  readonly epsilon: number;
  readonly limits: Limits;
  /** Largest sum of such figures alone on the label of any one text, whatever budgets there are. Default: it is not
   *  limited. */
  readonly figures?: number;
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
  async reserve({
    limits,
    texts,
    drawnAgainBecause = TAKEN_OVER_FROM_EQUAL,
    ...request
  }: ReservationRequest): Promise<LedgerRelease> {
    let kept: KeptTexts | undefined;
    await this.#journal.append(async (entries) => {
      const state = fold(entries);
      if (state.has(request.localKey)) return null;
      kept ??= await this.#keepTexts(await texts());
      const { digests, most } = kept;
      const {
        localKey,
        tenant,
        run,
        purpose,
        mechanism,
        eta,
        labelEpsilon,
        labels,
        table,
        takesOver = [],
        public: isPublic,
      } = request;
      const distinct = kept.counts.digests.length;
      const labelsAgain = labelEpsilon === null ? 0 : await this.#labelledBefore(kept.counts.digests, state);
      const again = labelsAgain === 0 ? null : { texts: labelsAgain, why: drawnAgainBecause };
      const problem = await this.#problem(
        { eta, labels: labelsIn(request), labelEpsilon, most, public: isPublic, counts: kept.counts, again },
        limits,
        state,
      );
      if (problem !== null) throw new RaptError(ErrorKind.budgetExceeded, `${problem}. Nothing was drawn`);
      return {
        format: 'rapt-ledger/2',
        kind: 'reserved',
        at: now(),
        localKey,
        tenant,
        run,
        purpose,
        mechanism,
        eta,
        labelEpsilon,
        table,
        texts: distinct,
        most,
        digests,
        ...(labels !== undefined && { labels }),
        ...(labelsAgain > 0 && { labelsAgain }),
        ...(isPublic === true && { public: true as const }),
        ...(takesOver.length > 0 && { takesOver }),
      };
    });
    return fold(await this.#journal.read()).get(request.localKey)!.release;
  }

  /** Enters that a reserved release is about to leave; one that is entered stays as it is.
   *  @throws RaptError badInput when it was not reserved, or left as another noisy version of the same texts. */
  async release(localKey: string, digest: Sha256, tokens: number): Promise<void> {
    await this.#journal.append((entries) => {
      const release = fold(entries).get(localKey)?.release;
      if (release === undefined)
        throw new RaptError(
          ErrorKind.badInput,
          `release ${localKey} is not in the ledger, or was dropped from it; start the run again, so that its cost ` +
            'is entered before it leaves',
        );
      if (release.released === null)
        return { format: 'rapt-ledger/2', kind: 'released', at: now(), localKey, digest, tokens };
      if (release.released.digest !== digest) throw releasedAlready(release);
      return null;
    });
  }

  /** Takes the cost of a release back. @throws RaptError badInput when it has left, or is not there. */
  async drop(localKey: string): Promise<void> {
    await this.#journal.append((entries) => {
      const release = fold(entries).get(localKey)?.release;
      if (release === undefined)
        throw new RaptError(ErrorKind.badInput, `there is no release ${localKey} in the ledger; see \`rapt ledger\``);
      if (release.released !== null)
        throw new RaptError(
          ErrorKind.badInput,
          `release ${localKey} left this machine at ${release.released.at}; what it cost cannot be taken back`,
        );
      // A figure is told of what has left; a ledger that was put together of two may say otherwise.
      if (release.told !== undefined)
        throw new RaptError(
          ErrorKind.badInput,
          `a figure about release ${localKey} was told at ${release.told[0]!.at}; what it cost cannot be taken back`,
        );
      return { format: 'rapt-ledger/2', kind: 'dropped', at: now(), localKey };
    });
  }

  /** Enters that a noisy figure about the labels of a release's rows is told for a run, under this epsilon; one that is
   *  entered for this run and release already costs nothing more. Every text of the release pays for it, those that it
   *  took over included.
   *  @returns false, and enters nothing, when the label budget does not have it, or one was entered for this run and
   *  release under another epsilon: the figure is then not told. @throws RaptError badInput when the release is not in
   *  the ledger. */
  async tellLabels({ localKey, run, epsilon, limits, figures = Infinity }: TellRequest): Promise<boolean> {
    let may = false;
    await this.#journal.append(async (entries) => {
      const state = fold(entries);
      const known = state.get(localKey);
      if (known === undefined)
        throw new RaptError(ErrorKind.badInput, `there is no release ${localKey} in the ledger; see \`rapt ledger\``);
      const before = known.release.told?.find((figure) => figure.run === run);
      may =
        before === undefined
          ? (await this.#fitsOnLabels(known, epsilon, limits.labels, state)) &&
            (await this.#fitsFigures(known, epsilon, figures, state))
          : before.epsilon === epsilon;
      return before !== undefined || !may
        ? null
        : { format: 'rapt-ledger/2', kind: 'told', at: now(), localKey, run, epsilon };
    });
    return may;
  }

  /** What each text has spent so far. @param digests ascending, each once. @returns sums of eta; Infinity for one that
   *  left in plain. */
  async spent(digests: BigUint64Array): Promise<Float64Array> {
    return this.#spent(digests, fold(await this.#journal.read()), everyRelease);
  }

  /** What each text has spent on its labels so far. @param digests ascending, each once. @returns sums of label
   *  epsilons; Infinity for one whose label left as it is. */
  async spentOnLabels(digests: BigUint64Array): Promise<Float64Array> {
    return this.#spentOnLabels(digests, fold(await this.#journal.read()), everyRelease);
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
      for (let place = 0; place < counts.digests.length; place++)
        yield { digest: counts.digests[place]!, release, times: counts.times[place]! };
    }
  }

  /** What is wrong with a release that is asked for; null when nothing is. */
  async #problem(next: Asked, limits: Limits, state: State): Promise<string | null> {
    const before = [...state.values()].map(({ release }) => release);
    for (const limit of limits.perTenant) {
      const problem = exceededTenantBudget(limit, before, next);
      if (problem !== null) return problem;
    }
    const concerning = (all: readonly Limit[]): Limit[] => all.filter((limit) => counts(limit, next));
    const spentBy = oncePerLimit((counted) => this.#spent(next.counts.digests, state, counted));
    for (const limit of concerning(limits.perText)) {
      const problem = exceededTextBudget(limit, next.counts, await spentBy(limit), next.eta);
      if (problem !== null) return problem;
    }
    if (next.labels === 'none') return null;
    const onLabelsBy = oncePerLimit((counted) => this.#spentOnLabels(next.counts.digests, state, counted));
    for (const limit of concerning(limits.labels)) {
      const problem = exceededLabelBudget(limit, next.counts, await onLabelsBy(limit), labelCost(next), next.again);
      if (problem !== null) return problem;
    }
    return null;
  }

  async #spent(digests: BigUint64Array, state: State, counted: Counted): Promise<Float64Array> {
    const spent = new Float64Array(digests.length);
    for (const { release, digests: file } of state.values()) {
      if (!counted(release)) continue;
      const cost = release.eta ?? Infinity;
      forEachCommon(digests, await this.#texts(file), (place) => (spent[place]! += cost));
    }
    return spent;
  }

  async #spentOnLabels(digests: BigUint64Array, state: State, counted: Counted): Promise<Float64Array> {
    const spent = new Float64Array(digests.length);
    for (const [localKey, cost] of labelCosts(state, counted))
      forEachCommon(digests, await this.#texts(state.get(localKey)!.digests), (place) => (spent[place]! += cost));
    return spent;
  }

  /** How many of these texts had labels in an earlier release. */
  async #labelledBefore(digests: BigUint64Array, state: State): Promise<number> {
    const seen = new Uint8Array(digests.length);
    for (const { release, digests: file } of state.values())
      if (release.purpose === 'tuning' && labelsIn(release) !== 'none')
        forEachCommon(digests, await this.#texts(file), (place) => (seen[place] = 1));
    return seen.reduce((sum, one) => sum + one, 0);
  }

  /** Whether each text of a release, those that it took over included, has so much left for each time that it
   *  occurs. */
  async #fitsOnLabels({ release }: Folded, epsilon: number, limits: readonly Limit[], state: State): Promise<boolean> {
    const concerning = limits.filter((limit) => counts(limit, release));
    if (concerning.length === 0) return true;
    const texts = countTexts(await this.#allTexts(release, state));
    const onLabelsBy = oncePerLimit((counted) => this.#spentOnLabels(texts.digests, state, counted));
    for (const limit of concerning) if (!fits(limit, await onLabelsBy(limit), texts.times, epsilon)) return false;
    return true;
  }

  /** Whether the figures that were told about the labels of these texts leave room for one more. */
  async #fitsFigures({ release }: Folded, epsilon: number, largest: number, state: State): Promise<boolean> {
    if (largest === Infinity) return true;
    const { digests } = countTexts(await this.#allTexts(release, state));
    const told = new Float64Array(digests.length);
    for (const { release: other } of state.values()) {
      const sum = (other.told ?? []).reduce((total, figure) => total + figure.epsilon, 0);
      if (sum === 0) continue;
      const touched = new Uint8Array(digests.length);
      forEachCommon(digests, await this.#allTexts(other, state), (place) => (touched[place] = 1));
      for (let place = 0; place < told.length; place++) told[place]! += sum * touched[place]!;
    }
    const limit = { largest, setBy: '', countsPublic: true };
    return fits(limit, told, new Uint32Array(told.length).fill(1), epsilon);
  }

  /** Sorted. Some of those from which it took over may not be in it any more. */
  async #allTexts(release: LedgerRelease, state: State): Promise<TextDigests> {
    const lists: TextDigests[] = [];
    for (const localKey of withTakenOver(release, state)) lists.push(await this.#texts(state.get(localKey)!.digests));
    const all = new BigUint64Array(lists.reduce((sum, { length }) => sum + length, 0));
    let end = 0;
    for (const list of lists) {
      all.set(list, end);
      end += list.length;
    }
    return all.sort();
  }

  /** Written before the entry that names it. */
  async #keepTexts({ digests: texts, alike = 0 }: DrawnTexts): Promise<KeptTexts> {
    const bytes = encodeTexts(texts);
    const sha256 = sha256Of(bytes);
    makeFolder(join(this.#folder, 'texts'), 0o700);
    await writeOnce(this.#folder, this.#textsPath(sha256), bytes);
    const counted = countTexts(texts);
    return { counts: counted, digests: sha256, most: Math.max(mostOf(counted), alike) };
  }

  async #texts(sha256: Sha256): Promise<TextDigests> {
    const path = this.#textsPath(sha256);
    const bytes = await readWritten(path);
    if (bytes === null || sha256Of(bytes) !== sha256)
      throw new RaptError(
        ErrorKind.corruptArtifact,
        `${path} is missing, or was changed or damaged; restore the ledger from a backup`,
      );
    return decodeTexts(bytes);
  }

  readonly #textsPath = (sha256: Sha256): string => join(this.#folder, 'texts', `${sha256}.bin`);
}

/** The texts of a release whose folder was lost are not released a second time. */
export const releasedAlready = ({ localKey, released }: LedgerRelease): RaptError =>
  new RaptError(
    ErrorKind.badInput,
    `these texts were released already, as ${released?.digest ?? ''} at ${released?.at ?? ''}; a second noisy ` +
      `version would add to what is known of them. Restore that release's folder (${localKey}) from a backup`,
  );

/** A note where labels of a release were drawn again; none where they were not. */
export const labelsAgainNote = ({ labelsAgain = 0, texts }: Pick<LedgerRelease, 'labelsAgain' | 'texts'>): string[] =>
  labelsAgain === 0
    ? []
    : [
        `labels of ${labelsAgain} of ${texts} texts had left before and were drawn again: their label epsilons add ` +
          'up (`rapt ledger`)',
      ];

interface KeptTexts {
  readonly counts: TextCounts;
  /** Of their file. */
  readonly digests: Sha256;
  readonly most: number;
}

/** A release that is asked for, and what is known of its texts. */
interface Asked extends Pick<LedgerRelease, 'eta' | 'labelEpsilon' | 'most'> {
  readonly labels: Labels;
  readonly public: true | undefined;
  readonly counts: TextCounts;
  readonly again: DrawnBefore | null;
}

interface Folded {
  readonly release: LedgerRelease;
  readonly digests: Sha256;
}
type State = ReadonlyMap<string, Folded>;

/** Which releases a sum is over. */
type Counted = (release: Pick<LedgerRelease, 'public'>) => boolean;
const everyRelease: Counted = () => true;

/** Sums once for all limits that count the same releases. */
function oncePerLimit(sum: (counted: Counted) => Promise<Float64Array>): (limit: Limit) => Promise<Float64Array> {
  const sums = new Map<boolean, Promise<Float64Array>>();
  return (limit) => {
    const known = sums.get(limit.countsPublic) ?? sum((release) => counts(limit, release));
    sums.set(limit.countsPublic, known);
    return known;
  };
}

type Labels = NonNullable<Reservation['labels']>;

/** What an earlier version did not say is taken as the most that may have happened: a file's label column is copied as
 *  it is. */
export const labelsIn = ({
  labels,
  labelEpsilon,
  purpose,
}: Pick<Reservation, 'labels' | 'labelEpsilon' | 'purpose'>): Labels =>
  labels ?? (labelEpsilon !== null ? 'drawn' : purpose === 'prediction' ? 'none' : 'plain');

/** Of one label, each time that its text occurs. */
const labelCost = ({
  labels,
  labelEpsilon,
}: {
  readonly labels: Labels;
  readonly labelEpsilon: number | null;
}): number => (labels === 'none' ? 0 : labels === 'plain' ? Infinity : (labelEpsilon ?? Infinity));

/** What the labels of each release's texts have spent there, and by figures about releases that took these rows over;
 *  zeros are left out. */
function labelCosts(state: State, counted: Counted): Map<string, number> {
  const costs = new Map<string, number>();
  const add = (localKey: string, cost: number): void => {
    if (cost > 0) costs.set(localKey, (costs.get(localKey) ?? 0) + cost);
  };
  for (const { release } of state.values()) {
    if (!counted(release)) continue;
    add(release.localKey, labelCost({ labels: labelsIn(release), labelEpsilon: release.labelEpsilon }));
    const told = (release.told ?? []).reduce((sum, { epsilon }) => sum + epsilon, 0);
    if (told > 0) for (const localKey of withTakenOver(release, state)) add(localKey, told);
  }
  return costs;
}

/** A release and all from which it took rows over, themselves or by way of others. */
function withTakenOver(release: LedgerRelease, state: State): Set<string> {
  const found = new Set<string>();
  const due = [release.localKey];
  for (let localKey = due.pop(); localKey !== undefined; localKey = due.pop()) {
    const known = state.get(localKey);
    if (known === undefined || found.has(localKey)) continue;
    found.add(localKey);
    due.push(...(known.release.takesOver ?? []));
  }
  return found;
}

/** What the entries amount to. */
function fold(entries: readonly Entry[]): State {
  const state = new Map<string, Folded>();
  for (const entry of entries) {
    const { localKey, at } = entry;
    const known = state.get(localKey);
    if (entry.kind === 'reserved') {
      const { format: _, kind: __, at: reservedAt, digests, ...reservation } = entry;
      state.set(localKey, { release: { ...reservation, reservedAt, released: null }, digests });
    } else if (entry.kind === 'dropped') state.delete(localKey);
    else if (known && entry.kind === 'told')
      state.set(localKey, {
        ...known,
        release: {
          ...known.release,
          told: [...(known.release.told ?? []), { run: entry.run, epsilon: entry.epsilon, at }],
        },
      });
    else if (known && entry.kind === 'released')
      state.set(localKey, {
        ...known,
        release: { ...known.release, released: { at, digest: entry.digest, tokens: entry.tokens } },
      });
  }
  return state;
}

const now = (): string => new Date().toISOString();
const mostOf = ({ times }: TextCounts): number => times.reduce((most, count) => Math.max(most, count), 0);
