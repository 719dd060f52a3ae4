/** Runs all attacks on one release. This is the owner's side, which has the plain text and can tell whether a guess is
 *  right. */
import type { Attack, AttackResult, AttributeResult, AuditResult, Rate } from '../../contracts/index.ts';
import type { EmbeddingTable } from '../privacy/index.ts';
import { Turns } from '../turns.ts';
import { attackAttribute } from './attributes.ts';
import { Channel, countedPrior, estimatedPrior, zipfPrior } from '../channel/index.ts';
import { decodeInContext, fromNeighbours, type Transitions } from './context.ts';
import { deniability } from './deniability.ts';
import { bayesianGuesses, nearestGuesses, type Guesses } from './inference.ts';
import { LearnedInverter, type PlainPairs } from './learned.ts';
import { SuccessCounter } from './success.ts';

/** So many guesses are kept of each token: the ten that are counted, and candidates for the attack in context. */
const KEPT_GUESSES = 24;
const TOP = 10;
/** So many of the most frequent tokens are tried for a masked place. */
const FREQUENT = 200;

export interface AuditOptions {
  readonly table: EmbeddingTable;
  readonly outputIds: Int32Array;
  readonly mechanism: 'exponential' | 'laplace' | 'none';
  readonly eta: number | null;
  readonly attacks: readonly Attack[];
  /** The tokens that stood in each text, and those that were released for them. */
  readonly plain: readonly Int32Array[];
  readonly released: readonly Int32Array[];
  /** All tokens of the release. The provider estimates its prior from them. */
  readonly release: Int32Array;
  /** The pairs of plain and noisy tokens that the provider has; null without reconstruction. */
  readonly pairs: PlainPairs | null;
  /** Tokenized public sentences that the adversary may have; none by default. */
  readonly publicTexts: readonly Int32Array[];
  readonly attributes: readonly { readonly name: string; readonly values: readonly (string | null)[] }[];
  readonly onAttack?: ((attack: string) => void) | undefined;
  /** Stops the attacks within a second when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** How many rows of the table are looked at together. Default: all rows, or few of a large table. */
  readonly tileRows?: number | undefined;
}

/** Runs the attacks that were asked for. It is deterministic, and its result holds nothing of a text.
 *  @throws the signal's reason when aborted. */
export async function audit(options: AuditOptions): Promise<AuditResult> {
  const { table, outputIds, mechanism, eta, plain, released, publicTexts, tileRows } = options;
  const turns = new Turns(options.signal);
  const wanted = (attack: Attack): boolean => options.attacks.includes(attack);
  const begins = async (attack: string): Promise<void> => {
    await turns.next();
    options.onAttack?.(attack);
  };
  const tokens = released.reduce((sum, text) => sum + text.length, 0);
  const attacks: AttackResult[] = [];
  const attributes: AttributeResult[] = [];
  let denied: AuditResult['deniability'] = null;

  if (tokens > 0) {
    const zipf = zipfPrior(table.rows, outputIds);
    const start = publicTexts.length === 0 ? zipf : countedPrior(publicTexts, zipf);
    const channel = await Channel.create({
      mechanism: mechanism === 'laplace' ? 'laplace' : 'exponential',
      eta: eta ?? WITHOUT_NOISE,
      table,
      outputIds,
      prior: start,
      tileRows,
      turns,
    });
    try {
      for await (const result of attackTokens(options, channel, start, { wanted, begins, turns })) attacks.push(result);
      if (wanted('deniability') && mechanism !== 'none') {
        await begins('deniability');
        denied = await deniability(channel, turns);
      }
    } finally {
      channel.dispose();
    }
  }
  if (wanted('attributes'))
    for (const attribute of options.attributes) {
      await begins('attributes');
      const result = await attackAttribute({ table, plain, released, ...attribute }, turns);
      if (result !== null) attributes.push(result);
    }
  return { texts: released.length, tokens, attacks, attributes, deniability: denied };
}

interface Course {
  readonly wanted: (attack: Attack) => boolean;
  /** Is called before each attack. */
  readonly begins: (attack: string) => Promise<void>;
  readonly turns: Turns;
}

/** Runs the attacks on single tokens.
 *  @param start the prior of an adversary who has not seen the release. */
async function* attackTokens(
  { plain, released, release, pairs, publicTexts }: AuditOptions,
  channel: Channel,
  start: Float64Array,
  { wanted, begins, turns }: Course,
): AsyncGenerator<AttackResult> {
  const prior = await estimatedPrior(channel, release, start, turns);
  const frequent = likeliest(prior, FREQUENT);
  const expected = likeliest(start, TOP);
  const ys = await distinct(released, turns);
  const scores = await Scores.of({ plain, released }, { expected, frequent }, turns);

  if (wanted('inversion')) {
    await begins('inversion');
    yield* await scores.ofGuesses('inversion', await nearestGuesses(channel, ys, TOP, turns));
  }
  // The attacks in context need these guesses as well.
  await begins('bayes');
  const bayes = await bayesianGuesses(channel, prior, ys, KEPT_GUESSES, turns);
  if (wanted('bayes')) yield* await scores.ofGuesses('bayes', bayes);
  if (wanted('learned') && pairs !== null) {
    await begins('learned');
    const inverter = await LearnedInverter.train(channel.tiles, pairs, turns);
    try {
      yield* await scores.ofGuesses('learned', await inverter.guesses(prior, ys, TOP, turns));
    } finally {
      inverter.dispose();
    }
  }
  if (wanted('context') || wanted('masked')) {
    await begins('context');
    const emissions = await emissionsOf(channel, bayes, turns);
    const observed = { released, guesses: bayes, emissions, prior, publicTexts };
    const { decoded, transitions } = await decodeInContext(observed, turns);
    if (wanted('context')) yield await scores.ofTexts('context', decoded);
    if (wanted('masked')) {
      const masked = await maskedGuesses(released, bayes, transitions, frequent, turns);
      yield await scores.ofTexts('masked', masked);
    }
  }
}

interface Texts {
  readonly plain: readonly Int32Array[];
  readonly released: readonly Int32Array[];
}

/** What guessing blindly gets. */
type Blind = Pick<AttackResult, 'priorOnly' | 'mostFrequent'>;

/** Holds guesses against the plain text. */
class Scores {
  readonly #texts: Texts;
  readonly #tokens: number;
  /** By how many guesses count. */
  readonly #blind: ReadonlyMap<number, Blind>;
  readonly #turns: Turns;

  private constructor(texts: Texts, blind: ReadonlyMap<number, Blind>, turns: Turns) {
    this.#texts = texts;
    this.#tokens = texts.released.reduce((sum, text) => sum + text.length, 0);
    this.#blind = blind;
    this.#turns = turns;
  }

  /** @param expected the tokens that are guessed blindly without the release, the likeliest first.
   *  @param frequent the tokens that are guessed blindly by what the release tells, the most frequent first. */
  static async of(
    texts: Texts,
    { expected, frequent }: { readonly expected: Int32Array; readonly frequent: Int32Array },
    turns: Turns,
  ): Promise<Scores> {
    const { plain } = texts;
    const always = (answers: Int32Array): Promise<Rate> =>
      rateOf(plain, (text, at) => answers.includes(plain[text]![at]!), turns);
    const blind = new Map<number, Blind>();
    for (const top of [1, TOP]) {
      const priorOnly = await always(expected.subarray(0, top));
      blind.set(top, { priorOnly, mostFrequent: await always(frequent.subarray(0, top)) });
    }
    return new Scores(texts, blind, turns);
  }

  /** Of an attack that guesses tokens for each released token: by the best guess, and by the ten best. */
  async ofGuesses(attack: string, guesses: Guesses): Promise<AttackResult[]> {
    return [await this.#ofTop(attack, guesses, 1), await this.#ofTop(`${attack}Top10`, guesses, TOP)];
  }

  async #ofTop(attack: string, guesses: Guesses, top: number): Promise<AttackResult> {
    const { plain, released } = this.#texts;
    const tops = new Map(Array.from(guesses, ([y, best]) => [y, best.subarray(0, top)]));
    const isRight = (text: number, at: number): boolean => tops.get(released[text]![at]!)!.includes(plain[text]![at]!);
    return this.#result(attack, top, isRight);
  }

  /** Of an attack that guesses whole texts. */
  async ofTexts(attack: string, answers: readonly Int32Array[]): Promise<AttackResult> {
    const { plain } = this.#texts;
    return this.#result(attack, 1, (text, at) => answers[text]![at] === plain[text]![at]);
  }

  async #result(attack: string, top: number, isRight: (text: number, at: number) => boolean): Promise<AttackResult> {
    const success = await rateOf(this.#texts.plain, isRight, this.#turns);
    return { attack, n: this.#tokens, success, ...this.#blind.get(top)! };
  }
}

/** Without noise P(y|x) is 1 for y = x. At this rate every other token is out of reach. */
const WITHOUT_NOISE = 1e4;

/** The tokens of largest prior, the likeliest first; of equally likely ones, the smaller id first. */
function likeliest(prior: Float64Array, count: number): Int32Array {
  const ids = Int32Array.from(prior.keys());
  return ids.sort((a, b) => prior[b]! - prior[a]! || a - b).subarray(0, count);
}

async function distinct(texts: readonly Int32Array[], turns: Turns): Promise<Int32Array> {
  const ids = new Set<number>();
  for (const text of texts) {
    for (const id of text) ids.add(id);
    await turns.next();
  }
  return Int32Array.from(ids);
}

async function rateOf(
  plain: readonly Int32Array[],
  isRight: (text: number, at: number) => boolean,
  turns: Turns,
): Promise<Rate> {
  const counter = new SuccessCounter();
  for (const [text, tokens] of plain.entries()) {
    counter.add(
      tokens.reduce((right, _, at) => right + (isRight(text, at) ? 1 : 0), 0),
      tokens.length,
    );
    await turns.next();
  }
  return counter.rate();
}

/** A guess for each place, made from the guesses for its neighbours alone. The decoded path through the text is not
 *  used, because it has seen the token that is masked. */
async function maskedGuesses(
  released: readonly Int32Array[],
  guesses: Guesses,
  transitions: Transitions,
  frequent: Int32Array,
  turns: Turns,
): Promise<Int32Array[]> {
  const masked: Int32Array[] = [];
  for (const text of released) {
    const alone = text.map((y) => guesses.get(y)![0]!);
    masked.push(alone.map((_, at) => fromNeighbours(alone[at - 1], alone[at + 1], transitions, frequent)));
    await turns.next();
  }
  return masked;
}

async function emissionsOf(channel: Channel, guesses: Guesses, turns: Turns): Promise<Map<number, Float32Array>> {
  const emissions = new Map<number, Float32Array>();
  for (const [y, xs] of guesses) {
    emissions.set(
      y,
      Float32Array.from(xs, (x) => channel.logLikelihoodOf(y, x)),
    );
    await turns.next();
  }
  return emissions;
}
