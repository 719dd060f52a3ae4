/** The frontier between use and privacy: what a mechanism at some eta would keep of texts, and what the Bayesian
 *  adversary would get of them. It is measured on the public table, with tokens drawn from a public prior, before any
 *  private text is touched. */
import { join } from 'node:path';
import { ErrorKind, RaptError, type FrontierPoint } from '../../contracts/index.ts';
import { cachedJson } from '../cache.ts';
import {
  chooseEta,
  createMechanismInTurns,
  seededRandom,
  type EmbeddingTable,
  type NoisyMechanismName,
} from '../privacy/index.ts';
import { Channel, PairDistances, drawFrom, zipfPrior } from '../channel/index.ts';
import { bayesianGuesses } from './inference.ts';

/** So many tokens are drawn, privatized and guessed at each eta, by which rates are known to about one percent. */
const DRAWN_TOKENS = 4096;
const TOP = 10;
/** The logarithm of eta is halved so often. Eta is then known to 2 %, which moves a rate by less than the sample
 *  does. */
const HALVINGS = 8;

export interface FrontierOptions {
  readonly table: EmbeddingTable;
  readonly outputIds: Int32Array;
  readonly prior: Float64Array;
}

/** The points of a curve are the etas at which these shares of the vocabulary stay themselves. */
const SHARES = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9];

/** The frontier of a public table whose tokens are as frequent as Zipf's law says. It takes some 40 s for a table of
 *  30,000 tokens, and is kept in the cache.
 *  @param onPoint is called for each point that is made, not for those from the cache. */
export async function zipfFrontier(
  mechanism: NoisyMechanismName,
  { table, outputIds }: Omit<FrontierOptions, 'prior'>,
  onPoint: (point: FrontierPoint) => void = () => undefined,
): Promise<FrontierPoint[]> {
  return cachedJson(join('frontiers', `${table.sha256}-${outputIds.length}-${mechanism}.json`), async () =>
    frontierCurve(
      await Frontier.open({ table, outputIds, prior: zipfPrior(table.rows, outputIds) }),
      mechanism,
      { table, outputIds },
      onPoint,
    ),
  );
}

/** A point of the frontier for each of the shares. */
export async function frontierCurve(
  frontier: Frontier,
  mechanism: NoisyMechanismName,
  { table, outputIds }: Omit<FrontierOptions, 'prior'>,
  onPoint: (point: FrontierPoint) => void,
): Promise<FrontierPoint[]> {
  const points: FrontierPoint[] = [];
  for (const targetUnchanged of SHARES) {
    const eta = await chooseEta({ name: mechanism, targetUnchanged, table, outputIds });
    const point = await frontier.at(mechanism, eta!);
    onPoint(point);
    points.push(point);
  }
  return points;
}

export class Frontier {
  readonly #options: FrontierOptions;
  readonly #distances: PairDistances;
  /** What the adversary gets without a release: the share of the most frequent token. */
  readonly priorOnly: number;

  private constructor(options: FrontierOptions, distances: PairDistances) {
    this.#options = options;
    this.#distances = distances;
    this.priorOnly = options.prior.reduce((most, p) => Math.max(most, p), 0);
  }

  /** Takes a pass over all pairs of tokens. */
  static async open(options: FrontierOptions): Promise<Frontier> {
    return new Frontier(options, await PairDistances.measure(options.table, options.outputIds));
  }

  /** The point at an eta. It is the same on every call: the draws are seeded, since nothing of them is released. */
  async at(mechanism: NoisyMechanismName, eta: number): Promise<FrontierPoint> {
    const { table, outputIds, prior } = this.#options;
    const random = seededRandom(29);
    const tokens = drawFrom(prior, DRAWN_TOKENS, random);
    const made = await createMechanismInTurns({ name: mechanism, eta, table, outputIds, random });
    const answers = await made.privatizeInTurns(tokens);
    made.dispose();
    const channel = await Channel.create({
      mechanism,
      eta,
      table,
      outputIds,
      prior,
      logTotals: (rate) => this.#distances.logTotals(rate),
    });
    try {
      const guesses = await bayesianGuesses(channel, prior, Int32Array.from(new Set(answers)), TOP);
      const share = (isRight: (x: number, y: number) => boolean): number =>
        tokens.reduce((right, x, at) => right + (isRight(x, answers[at]!) ? 1 : 0), 0) / tokens.length;
      return {
        mechanism,
        eta,
        unchanged: made.guarantee.expectedUnchanged ?? 0,
        unchangedInText: share((x, y) => x === y),
        bayes: share((x, y) => guesses.get(y)![0] === x),
        bayesTop10: share((x, y) => guesses.get(y)!.includes(x)),
        priorOnly: this.priorOnly,
      };
    } finally {
      channel.dispose();
    }
  }

  /** The point of the largest eta, to 2 %, at which the Bayesian adversary guesses at most this share of tokens.
   *  @param about an eta to begin the search at.
   *  @throws RaptError badInput when they get as much without a release, or do not get as much at any eta. */
  async forBayes(
    mechanism: NoisyMechanismName,
    target: number,
    about: number,
    onPoint?: (point: FrontierPoint) => void,
  ): Promise<FrontierPoint> {
    if (target <= this.priorOnly)
      throw new RaptError(
        ErrorKind.badInput,
        `--bayes-attack: ${target} cannot be reached: ` +
          `an adversary who sees no release gets ${this.priorOnly.toPrecision(2)}, ` +
          'by always guessing the most frequent token',
      );
    const point = async (eta: number): Promise<FrontierPoint> => {
      const found = await this.at(mechanism, Number(eta.toPrecision(3)));
      onPoint?.(found);
      return found;
    };
    let low = await point(about / 8);
    let high = await point(about * 2);
    while (low.bayes > target && low.eta > about / 1e3) low = await point(low.eta / 4);
    while (high.bayes <= target && high.eta < about * 1e3) high = await point(high.eta * 2);
    if (low.bayes > target || high.bayes <= target)
      throw new RaptError(ErrorKind.badInput, `--bayes-attack: no eta from ${low.eta} to ${high.eta} gives ${target}`);
    for (let halving = 0; halving < HALVINGS && high.eta / low.eta > 1.02; halving++) {
      const middle = await point(Math.sqrt(low.eta * high.eta));
      if (middle.bayes <= target) low = middle;
      else high = middle;
    }
    return low;
  }
}
