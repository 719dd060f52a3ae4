/** All attacks on one release, from the side that has the plain text and can tell whether they were right. */
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

/** Guesses that are kept of each token: the ten that are counted, and candidates for the attack in context. */
const KEPT_GUESSES = 24;
const TOP = 10;
/** Most frequent tokens that are tried for a masked place. */
const FREQUENT = 200;

export interface AuditOptions {
  readonly table: EmbeddingTable;
  readonly outputIds: Int32Array;
  readonly mechanism: 'exponential' | 'laplace' | 'none';
  readonly eta: number | null;
  readonly attacks: readonly Attack[];
  /** Text by text, token by token: what stood there, and what was released. */
  readonly plain: readonly Int32Array[];
  readonly released: readonly Int32Array[];
  /** All tokens of the release, which the provider estimates his prior from. */
  readonly release: Int32Array;
  /** The provider's own pairs; null without reconstruction. */
  readonly pairs: PlainPairs | null;
  /** Tokenized public sentences that the adversary may have; none by default. */
  readonly publicTexts: readonly Int32Array[];
  readonly attributes: readonly { readonly name: string; readonly values: readonly (string | null)[] }[];
  readonly onAttack?: ((attack: string) => void) | undefined;
  /** Stops the attacks within a second. */
  readonly signal?: AbortSignal | undefined;
  /** Rows of the table that are looked at together. Default: all, or few of a large table. */
  readonly tileRows?: number | undefined;
}

/** Runs the attacks that were asked for. Deterministic; nothing of a text is in the result. @throws the signal's
 *  reason. */
export async function audit(options: AuditOptions): Promise<AuditResult> {
  const { table, outputIds, mechanism, eta, plain, released, pairs, publicTexts, tileRows } = options;
  const turns = new Turns(options.signal);
  const onAttack = async (attack: string): Promise<void> => {
    await turns.next();
    options.onAttack?.(attack);
  };
  const wanted = (attack: Attack): boolean => options.attacks.includes(attack);
  const tokens = released.reduce((sum, text) => sum + text.length, 0);
  const attacks: AttackResult[] = [];
  const attributes: AttributeResult[] = [];
  let denied: AuditResult['deniability'] = null;

  if (tokens > 0) {
    const zipf = zipfPrior(table.rows, outputIds);
    const start = publicTexts.length === 0 ? zipf : countedPrior(publicTexts, zipf);
    // Without noise P(y|x) is 1 for y = x: a rate at which every other token is out of reach.
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
      const prior = await estimatedPrior(channel, options.release, start, turns);
      const frequent = likeliest(prior, FREQUENT);
      const expected = likeliest(start, TOP);
      const ys = await distinct(released, turns);
      /** Of an adversary who says the same of every token. */
      const always = (answers: Int32Array): Promise<Rate> =>
        rateOf(plain, (text, at) => answers.includes(plain[text]![at]!), turns);
      const blind = new Map<number, Pick<AttackResult, 'priorOnly' | 'mostFrequent'>>();
      for (const top of [1, TOP]) {
        const priorOnly = await always(expected.subarray(0, top));
        blind.set(top, { priorOnly, mostFrequent: await always(frequent.subarray(0, top)) });
      }
      const count = async (attack: string, guesses: Guesses, top: number): Promise<AttackResult> => {
        const tops = new Map(Array.from(guesses, ([y, best]) => [y, best.subarray(0, top)]));
        const isRight = (text: number, at: number): boolean =>
          tops.get(released[text]![at]!)!.includes(plain[text]![at]!);
        const success = await rateOf(plain, isRight, turns);
        return { attack, n: tokens, success, ...blind.get(top)! };
      };
      const both = async (attack: string, guesses: Guesses): Promise<AttackResult[]> => [
        await count(attack, guesses, 1),
        await count(`${attack}Top10`, guesses, TOP),
      ];
      if (wanted('inversion')) {
        await onAttack('inversion');
        attacks.push(...(await both('inversion', await nearestGuesses(channel, ys, TOP, turns))));
      }
      await onAttack('bayes');
      const bayes = await bayesianGuesses(channel, prior, ys, KEPT_GUESSES, turns);
      if (wanted('bayes')) attacks.push(...(await both('bayes', bayes)));
      if (wanted('learned') && pairs !== null) {
        await onAttack('learned');
        const inverter = await LearnedInverter.train(channel.tiles, pairs, turns);
        try {
          attacks.push(...(await both('learned', await inverter.guesses(prior, ys, TOP, turns))));
        } finally {
          inverter.dispose();
        }
      }
      if (wanted('context') || wanted('masked')) {
        await onAttack('context');
        const emissions = await emissionsOf(channel, bayes, turns);
        const { decoded, transitions } = await decodeInContext(
          { released, guesses: bayes, emissions, prior, publicTexts },
          turns,
        );
        const counted = async (attack: string, answers: readonly Int32Array[]): Promise<AttackResult> => {
          const success = await rateOf(plain, (text, at) => answers[text]![at] === plain[text]![at], turns);
          return { attack, n: tokens, success, ...blind.get(1)! };
        };
        if (wanted('context')) attacks.push(await counted('context', decoded));
        if (wanted('masked'))
          attacks.push(await counted('masked', await maskedGuesses(released, bayes, transitions, frequent, turns)));
      }
      if (wanted('deniability') && mechanism !== 'none') {
        await onAttack('deniability');
        denied = await deniability(channel, turns);
      }
    } finally {
      channel.dispose();
    }
  }
  if (wanted('attributes'))
    for (const attribute of options.attributes) {
      await onAttack('attributes');
      const result = await attackAttribute({ table, plain, released, ...attribute }, turns);
      if (result !== null) attributes.push(result);
    }
  return { texts: released.length, tokens, attacks, attributes, deniability: denied };
}

const WITHOUT_NOISE = 1e4;

/** The tokens of largest prior, the smaller id first of those alike. */
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

/** What stands at each place, from the guesses of its neighbours: the path through the text would have seen the masked
 *  token. */
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
