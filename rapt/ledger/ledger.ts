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
import { ErrorKind, RaptError, type Sha256 } from '../../contracts/index.ts';
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
import {
  entrySchema,
  fold,
  labelsIn,
  releasedAlready,
  type Entry,
  type Folded,
  type Labels,
  type LedgerRelease,
  type Reservation,
  type State,
} from './entries.ts';
import { Journal } from './journal.ts';
import { everyRelease, labelCost, oncePerLimit, Spending } from './spending.ts';
import { TextFiles } from './text-files.ts';
import { countTexts, forEachCommon, type TextCounts, type TextDigests } from './texts.ts';

const TAKEN_OVER_FROM_EQUAL =
  "rows are taken over only from a release under the same settings, if that release's folder is still here and the " +
  'row has kept its place';

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
  readonly #journal: Journal<Entry>;
  readonly #files: TextFiles;

  /** @param tenantFolder where the client keeps what is the tenant's. */
  constructor(tenantFolder: string) {
    const folder = join(tenantFolder, 'ledger');
    this.#journal = new Journal(folder, (content) => entrySchema.parse(content));
    this.#files = new TextFiles(folder);
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
      const asked = await this.#asked(request, drawnAgainBecause, kept, state);
      const problem = await this.#problem(asked, limits, state);
      if (problem !== null) throw new RaptError(ErrorKind.budgetExceeded, `${problem}. Nothing was drawn`);
      return reservationOf(request, kept, asked.again?.texts ?? 0);
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
      // Figures are told only of releases that have left; a ledger that was merged from two may say otherwise.
      if (release.told !== undefined)
        throw new RaptError(
          ErrorKind.badInput,
          `a figure about release ${localKey} was told at ${release.told[0]!.at}; what it cost cannot be taken back`,
        );
      return { format: 'rapt-ledger/2', kind: 'dropped', at: now(), localKey };
    });
  }

  /** Enters that a noisy figure about the labels of a release's rows is told for a run, under this epsilon; a figure
   *  that is entered for this run and release already costs nothing more. Every text of the release pays for it, those
   *  that it took over included.
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
    return this.#spending(fold(await this.#journal.read())).onTexts(digests, everyRelease);
  }

  /** What each text has spent on its labels so far. @param digests ascending, each once. @returns sums of label
   *  epsilons; Infinity for one whose label left as it is. */
  async spentOnLabels(digests: BigUint64Array): Promise<Float64Array> {
    return this.#spending(fold(await this.#journal.read())).onLabels(digests, everyRelease);
  }

  /** Releases that one text was in. */
  async historyOf(digest: bigint): Promise<TextRelease[]> {
    const found: TextRelease[] = [];
    for (const { release, digests } of fold(await this.#journal.read()).values()) {
      let times = 0;
      forEachCommon(BigUint64Array.of(digest), await this.#files.read(digests), () => times++);
      if (times > 0) found.push({ release, times });
    }
    return found;
  }

  /** Every text of every release that counts. */
  async *texts(): AsyncGenerator<{ digest: bigint } & TextRelease> {
    for (const { release, digests } of fold(await this.#journal.read()).values()) {
      const counts = countTexts(await this.#files.read(digests));
      for (let place = 0; place < counts.digests.length; place++)
        yield { digest: counts.digests[place]!, release, times: counts.times[place]! };
    }
  }

  async #asked(
    request: Pick<Reservation, Requested>,
    drawnAgainBecause: string,
    { counts: texts, most }: KeptTexts,
    state: State,
  ): Promise<Asked> {
    const { eta, labelEpsilon, public: isPublic } = request;
    const labelsAgain = labelEpsilon === null ? 0 : await this.#spending(state).labelledBefore(texts.digests);
    const again = labelsAgain === 0 ? null : { texts: labelsAgain, why: drawnAgainBecause };
    return { eta, labels: labelsIn(request), labelEpsilon, most, public: isPublic, counts: texts, again };
  }

  /** What is wrong with a release that is asked for; null when nothing is. */
  async #problem(next: Asked, limits: Limits, state: State): Promise<string | null> {
    const before = [...state.values()].map(({ release }) => release);
    const spending = this.#spending(state);
    for (const limit of limits.perTenant) {
      const problem = exceededTenantBudget(limit, before, next);
      if (problem !== null) return problem;
    }
    const concerning = (all: readonly Limit[]): Limit[] => all.filter((limit) => counts(limit, next));
    const spentBy = oncePerLimit((counted) => spending.onTexts(next.counts.digests, counted));
    for (const limit of concerning(limits.perText)) {
      const problem = exceededTextBudget(limit, next.counts, await spentBy(limit), next.eta);
      if (problem !== null) return problem;
    }
    if (next.labels === 'none') return null;
    const onLabelsBy = oncePerLimit((counted) => spending.onLabels(next.counts.digests, counted));
    for (const limit of concerning(limits.labels)) {
      const problem = exceededLabelBudget(limit, next.counts, await onLabelsBy(limit), labelCost(next), next.again);
      if (problem !== null) return problem;
    }
    return null;
  }

  /** Whether each text of a release, those that it took over included, has so much left for each time that it
   *  occurs. */
  async #fitsOnLabels({ release }: Folded, epsilon: number, limits: readonly Limit[], state: State): Promise<boolean> {
    const concerning = limits.filter((limit) => counts(limit, release));
    if (concerning.length === 0) return true;
    const spending = this.#spending(state);
    const texts = countTexts(await spending.allTexts(release));
    const onLabelsBy = oncePerLimit((counted) => spending.onLabels(texts.digests, counted));
    for (const limit of concerning) if (!fits(limit, await onLabelsBy(limit), texts.times, epsilon)) return false;
    return true;
  }

  /** Whether the figures that were told about the labels of these texts leave room for one more. */
  async #fitsFigures({ release }: Folded, epsilon: number, largest: number, state: State): Promise<boolean> {
    if (largest === Infinity) return true;
    const spending = this.#spending(state);
    const { digests } = countTexts(await spending.allTexts(release));
    const told = await spending.onFigures(digests);
    const limit = { largest, setBy: '', countsPublic: true };
    return fits(limit, told, new Uint32Array(told.length).fill(1), epsilon);
  }

  async #keepTexts({ digests: texts, alike = 0 }: DrawnTexts): Promise<KeptTexts> {
    const digests = await this.#files.keep(texts);
    const counted = countTexts(texts);
    return { counts: counted, digests, most: Math.max(mostOf(counted), alike) };
  }

  readonly #spending = (state: State): Spending => new Spending(state, this.#files);
}

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

/** @param labelsAgain distinct texts whose labels had left before. */
function reservationOf(request: Pick<Reservation, Requested>, kept: KeptTexts, labelsAgain: number): Reservation {
  const { localKey, tenant, run, purpose, mechanism, eta, labelEpsilon, labels, table, takesOver = [] } = request;
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
    texts: kept.counts.digests.length,
    most: kept.most,
    digests: kept.digests,
    ...(labels !== undefined && { labels }),
    ...(labelsAgain > 0 && { labelsAgain }),
    ...(request.public === true && { public: true as const }),
    ...(takesOver.length > 0 && { takesOver }),
  };
}

const now = (): string => new Date().toISOString();
const mostOf = ({ times }: TextCounts): number => times.reduce((most, count) => Math.max(most, count), 0);
