/** What a mechanism promises, as data, and the sentences that are made from it. */
import type { Guarantee, TextLengths } from '../../contracts/index.ts';
import type { OutputGeometry } from './geometry.ts';
import type { Sampler } from './mechanism.ts';
import { explainLabels, LABELS_NOT_COVERED, TEST_LABELS_NOT_COVERED } from './randomized-response.ts';
import type { TableMeasures } from './token-sample.ts';

const COVERED = [
  'the identity of each token of each text, the words that the tokenizer does not know among them',
] as const;
const NOT_COVERED = [
  'how many tokens a text has, and how many texts there are; the settings of the run, with the names of columns',
  LABELS_NOT_COVERED,
  'that the data owner takes part at all',
  TEST_LABELS_NOT_COVERED,
  'the share of all tokens of a release that stayed themselves, and how often the attacks of its audit were right, ' +
    'each told in steps of 0.01 or more that are at least 5 texts wide, ' +
    'and not at all below 20 texts or 500 tokens',
  'the share of tokens that the tokenizer does not know, told to whole percents, ' +
    'and how many rows were left out for want of a label',
  'what the meaning of a whole text tells about its words: ' +
    'the bound is per token, and adds up over the tokens of a text',
] as const;

export function describeGuarantee(o: {
  mechanism: Guarantee['mechanism'];
  eta: number | null;
  isPrivate: boolean;
  /** Null for `none`. */
  precision: Pick<Sampler, 'numericalSlack' | 'numericalDelta'> | null;
  geometry: OutputGeometry;
  measures: TableMeasures;
  expectedUnchanged: number | null;
}): Guarantee {
  const { mechanism, eta, isPrivate, precision, geometry, measures, expectedUnchanged } = o;
  const { norm, neighbourDistance } = measures;
  const { p05, p50, p95 } = neighbourDistance;
  const { table, outputIds } = geometry;
  const promises = eta !== null && isPrivate;
  return {
    mechanism,
    private: promises,
    eta,
    numericalSlack: precision?.numericalSlack ?? null,
    numericalDelta: precision?.numericalDelta ?? null,
    tightestEta: null,
    table: {
      sha256: table.sha256,
      rows: table.rows,
      dimensions: table.dimensions,
      outputTokens: outputIds.length,
      norm,
      neighbourDistance,
    },
    neighbourLogRatio: eta === null ? null : { p05: eta * p05, p50: eta * p50, p95: eta * p95 },
    expectedUnchanged,
    statement: promises ? promise(eta, precision) : noPromise(eta),
    covered: promises ? [...COVERED] : [],
    notCovered: promises ? [...NOT_COVERED] : ['everything: no text is protected'],
  };
}

function promise(eta: number, precision: Pick<Sampler, 'numericalSlack' | 'numericalDelta'> | null): string {
  const { numericalSlack: slack, numericalDelta: delta } = precision ?? { numericalSlack: 0, numericalDelta: 0 };
  const plusSlack = slack === 0 ? '' : ` + ${slack.toPrecision(2)}`;
  const bound =
    `d_chi-privacy with eta = ${eta}, token by token: ` +
    "whatever two tokens x and x' stood in the text, every released token y has probabilities that satisfy " +
    `P(y|x) <= exp(${eta} * d(x, x')${plusSlack}) * P(y|x'), ` +
    'd being the Euclidean distance of their public input embeddings';
  if (delta === 0) return bound;
  const chance = `a chance of at most ${delta.toPrecision(2)} for each token`;
  return `${bound}; but for ${chance}, which double-precision arithmetic costs`;
}

const noPromise = (eta: number | null): string =>
  eta === null
    ? 'No privacy: the tokens are released as they are.'
    : 'No privacy: the noise came from a seeded test generator and can be drawn again by anybody.';

/** The guarantee in sentences for people. Each sentence can stand alone.
 *  @param lengths of the texts at hand; null when there are none. */
export function explainGuarantee(guarantee: Guarantee, lengths: TextLengths | null = null): string[] {
  const { eta, tightestEta, table, neighbourLogRatio: ratio, expectedUnchanged, covered, notCovered } = guarantee;
  if (!guarantee.private || eta === null || ratio === null) return [guarantee.statement, ...explainLabels(guarantee)];
  const { p05, p50, p95 } = table.neighbourDistance;
  const distances = `${p05.toFixed(2)} / ${p50.toFixed(2)} / ${p95.toFixed(2)} (5 %, 50 %, 95 % quantile)`;
  return [
    `Every token is replaced at random by the ${guarantee.mechanism} mechanism, with eta = ${eta}, ` +
      'on the machine that holds the texts.',
    `${guarantee.statement}.`,
    ...(tightestEta === null || tightestEta >= eta
      ? []
      : [
          `Computed over all pairs of this table's tokens, the mechanism really gives eta = ${tightestEta}: ` +
            `the statement holds with that number in place of ${eta}.`,
        ]),
    'What eta means depends on the distances of this table ' +
      `(SHA-256 ${table.sha256.slice(0, 12)}..., ${table.outputTokens} possible outputs): ` +
      `from a token to its nearest neighbour it is ${distances}.`,
    'So for two neighbouring words the released token can be ' +
      `up to exp(${ratio.p50.toFixed(1)}), some ${times(ratio.p50)} times, ` +
      'likelier under one than under the other ' +
      `(exponent ${ratio.p05.toFixed(1)} and ${ratio.p95.toFixed(1)} at the outer quantiles). ` +
      'A larger exponent hides less.',
    ...(lengths === null ? [] : [explainLengths(lengths, ratio.p50)]),
    ...(expectedUnchanged === null
      ? []
      : [
          `About ${Math.round(expectedUnchanged * 100)} % of the vocabulary's tokens stay themselves; ` +
            'which ones is not told.',
        ]),
    ...explainLabels(guarantee),
    `Covered: ${covered.join('; ')}.`,
    `Not covered: ${notCovered.join('; ')}.`,
    'The bound holds for one release of a text. A second, independent noisy version would add its own eta to it.',
  ];
}

/** The bounds of single tokens add up, since the noise of each token is independent of the noise of the others. */
function explainLengths({ p05, p50, p95 }: TextLengths, ratio: number): string {
  const exponent = (tokens: number): string => (tokens * ratio).toFixed(0);
  return (
    "The bounds of a text's tokens add up. " +
    `The texts at hand have ${p05} / ${p50} / ${p95} tokens (5 %, 50 %, 95 % quantile); ` +
    'for two texts of that length that differ in every token, each by a median neighbour, ' +
    `the exponent is ${exponent(p05)} / ${exponent(p50)} / ${exponent(p95)}. ` +
    'For whole texts the bound alone promises nothing of use: what attacks get is what there is to go by.'
  );
}

const times = (exponent: number): string =>
  exponent < 5 ? Math.exp(exponent).toFixed(1) : Math.exp(exponent).toPrecision(1).replace('e+', ' * 10^');
