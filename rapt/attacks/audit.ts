/** All attacks on one release, from the side that has the plain text and can tell whether they were right. */
import type { Attack, AttackResult, AttributeResult, AuditResult, Rate } from '../../contracts/index.ts';
import type { EmbeddingTable } from '../privacy/index.ts';
import { joinIds } from '../release/index.ts';
import { attackAttribute } from './attributes.ts';
import { Channel } from './channel.ts';
import { decodeInContext, fromNeighbours } from './context.ts';
import { deniability } from './deniability.ts';
import { bayesianGuesses, nearestGuesses, type Guesses } from './inference.ts';
import { LearnedInverter, type PlainPairs } from './learned.ts';
import { countedPrior, estimatedPrior, zipfPrior } from './prior.ts';
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
}

/** Runs the attacks that were asked for. Deterministic; nothing of a text is in the result. */
export async function audit(options: AuditOptions): Promise<AuditResult> {
  const { table, outputIds, mechanism, eta, plain, released, pairs, publicTexts, onAttack } = options;
  const wanted = (attack: Attack): boolean => options.attacks.includes(attack);
  const tokens = released.reduce((sum, text) => sum + text.length, 0);
  const attacks: AttackResult[] = [];
  const attributes: AttributeResult[] = [];
  let denied: AuditResult['deniability'] = null;

  if (tokens > 0) {
    const zipf = zipfPrior(table.rows, outputIds);
    const start = publicTexts.length === 0 ? zipf : countedPrior(publicTexts, zipf);
    // Without noise P(y|x) is 1 for y = x: a rate at which every other token is out of reach.
    const channel = await Channel.create({ mechanism: mechanism === 'laplace' ? 'laplace' : 'exponential', eta: eta ?? WITHOUT_NOISE, table, outputIds, prior: start });
    const prior = await estimatedPrior(channel, options.release, start);
    const frequent = Int32Array.from(prior.keys()).sort((a, b) => prior[b]! - prior[a]!).subarray(0, FREQUENT);
    const ys = Int32Array.from(new Set(joinIds(released)));
    const count = (attack: string, guesses: Guesses, top: number): AttackResult => {
      const tops = new Map(Array.from(guesses, ([y, best]) => [y, best.subarray(0, top)]));
      const first = frequent.subarray(0, top);
      return {
        attack,
        n: tokens,
        success: rateOf(plain, (text, at) => tops.get(released[text]![at]!)!.includes(plain[text]![at]!)),
        priorOnly: rateOf(plain, (text, at) => first.includes(plain[text]![at]!)),
      };
    };
    const both = (attack: string, guesses: Guesses): AttackResult[] => [count(attack, guesses, 1), count(`${attack}Top10`, guesses, TOP)];
    try {
      if (wanted('inversion')) {
        onAttack?.('inversion');
        attacks.push(...both('inversion', await nearestGuesses(channel, ys, TOP)));
      }
      onAttack?.('bayes');
      const bayes = await bayesianGuesses(channel, prior, ys, KEPT_GUESSES);
      if (wanted('bayes')) attacks.push(...both('bayes', bayes));
      if (wanted('learned') && pairs !== null) {
        onAttack?.('learned');
        const inverter = await LearnedInverter.train(table, pairs);
        attacks.push(...both('learned', await inverter.guesses(prior, ys, TOP)));
        inverter.dispose();
      }
      if (wanted('context') || wanted('masked')) {
        onAttack?.('context');
        const emissions = emissionsOf(channel, ys, bayes);
        const { decoded, transitions } = await decodeInContext({ released, guesses: bayes, emissions, prior, publicTexts });
        const priorOnly = rateOf(plain, (text, at) => frequent[0] === plain[text]![at]);
        if (wanted('context')) attacks.push({ attack: 'context', n: tokens, success: rateOf(plain, (text, at) => decoded[text]![at] === plain[text]![at]), priorOnly });
        // The neighbours are decoded by themselves: the path through the text would have seen the masked token.
        const alone = released.map((text) => text.map((y) => bayes.get(y)![0]!));
        const masked = alone.map((text) => text.map((_, at) => fromNeighbours(text[at - 1], text[at + 1], transitions, frequent)));
        if (wanted('masked')) attacks.push({ attack: 'masked', n: tokens, success: rateOf(plain, (text, at) => masked[text]![at] === plain[text]![at]), priorOnly });
      }
      if (wanted('deniability') && mechanism !== 'none') {
        onAttack?.('deniability');
        denied = await deniability(channel, joinIds(plain));
      }
    } finally {
      channel.dispose();
    }
  }
  if (wanted('attributes'))
    for (const attribute of options.attributes) {
      onAttack?.('attributes');
      const result = await attackAttribute({ table, plain, released, ...attribute });
      if (result !== null) attributes.push(result);
    }
  return { texts: released.length, tokens, attacks, attributes, deniability: denied };
}

const WITHOUT_NOISE = 1e4;

function rateOf(plain: readonly Int32Array[], isRight: (text: number, at: number) => boolean): Rate {
  const counter = new SuccessCounter();
  plain.forEach((tokens, text) => counter.add(tokens.reduce((right, _, at) => right + (isRight(text, at) ? 1 : 0), 0), tokens.length));
  return counter.rate();
}

function emissionsOf(channel: Channel, ys: Int32Array, guesses: Guesses): Map<number, Float32Array> {
  const emissions = new Map<number, Float32Array>();
  for (let at = 0; at < ys.length; at += 256) {
    const block = ys.slice(at, at + 256);
    const likelihood = channel.logLikelihood(block);
    const values = likelihood.dataSync<'float32'>();
    const [, inputs] = likelihood.shape;
    likelihood.dispose();
    block.forEach((y, row) => emissions.set(y, Float32Array.from(guesses.get(y)!, (x) => values[row * inputs + x]!)));
  }
  return emissions;
}
