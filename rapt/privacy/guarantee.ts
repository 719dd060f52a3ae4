/** What a mechanism promises, as data, and the sentences made of it. */
import type { Guarantee } from '../../contracts/index.ts';
import type { OutputGeometry } from './geometry.ts';
import { explainLabels, LABELS_NOT_COVERED } from './labels.ts';
import type { TableSurvey } from './survey.ts';

const COVERED = [
  'the identity of each token of each text, the words that the tokenizer does not know among them',
] as const;
const NOT_COVERED = [
  'how many tokens a text has, and how many texts there are',
  LABELS_NOT_COVERED,
  'that the data owner takes part at all, and how well the tuned model does on the test texts',
  'the share of all tokens of a release that stayed themselves, and how often the attacks of its audit were right, told to three digits',
  'what the meaning of a whole text tells about its words: the bound is per token, and adds up over the tokens of a text',
] as const;
const SAMPLING_NOTE = 'the rounding of double-precision noise: the bound is that of the ideal Laplace density';

export function describeGuarantee(o: {
  mechanism: Guarantee['mechanism'];
  eta: number | null;
  isPrivate: boolean;
  numericalSlack: number | null;
  geometry: OutputGeometry;
  survey: TableSurvey;
  expectedUnchanged: number | null;
}): Guarantee {
  const { mechanism, eta, isPrivate, numericalSlack, geometry, survey, expectedUnchanged } = o;
  const { norm, neighbourDistance } = survey;
  const { p05, p50, p95 } = neighbourDistance;
  const { table, outputIds } = geometry;
  const promises = eta !== null && isPrivate;
  return {
    mechanism,
    private: promises,
    eta,
    numericalSlack,
    table: { sha256: table.sha256, rows: table.rows, dimensions: table.dimensions, outputTokens: outputIds.length, norm, neighbourDistance },
    neighbourLogRatio: eta === null ? null : { p05: eta * p05, p50: eta * p50, p95: eta * p95 },
    expectedUnchanged,
    statement: promises ? promise(eta, numericalSlack) : noPromise(eta),
    covered: promises ? [...COVERED] : [],
    notCovered: promises ? [...NOT_COVERED, ...(numericalSlack === null ? [SAMPLING_NOTE] : [])] : ['everything: no text is protected'],
  };
}

const promise = (eta: number, slack: number | null): string =>
  `d_chi-privacy with eta = ${eta}, token by token: whatever two tokens x and x' stood in the text, every released token y has probabilities that satisfy ` +
  `P(y|x) <= exp(${eta} * d(x, x')${slack === null ? '' : ` + ${slack.toPrecision(2)}`}) * P(y|x'), d being the Euclidean distance of their public input embeddings`;

const noPromise = (eta: number | null): string =>
  eta === null ? 'No privacy: the tokens are released as they are.' : 'No privacy: the noise came from a seeded test generator and can be drawn again by anybody.';

/** The guarantee in sentences for people, each to stand alone. */
export function explainGuarantee(guarantee: Guarantee): string[] {
  const { eta, table, neighbourLogRatio: ratio, expectedUnchanged, covered, notCovered } = guarantee;
  if (!guarantee.private || eta === null || ratio === null) return [guarantee.statement, ...explainLabels(guarantee)];
  const { p05, p50, p95 } = table.neighbourDistance;
  const times = (exponent: number): string => (exponent < 5 ? Math.exp(exponent).toFixed(1) : Math.exp(exponent).toPrecision(1).replace('e+', ' * 10^'));
  return [
    `Every token was replaced at random by the ${guarantee.mechanism} mechanism, with eta = ${eta}, on the machine that holds the texts.`,
    `${guarantee.statement}.`,
    `What eta means depends on the distances of this table (SHA-256 ${table.sha256.slice(0, 12)}..., ${table.outputTokens} possible outputs): ` +
      `from a token to its nearest neighbour it is ${p05.toFixed(2)} / ${p50.toFixed(2)} / ${p95.toFixed(2)} (5 %, 50 %, 95 % quantile).`,
    `So for two neighbouring words the released token can be up to exp(${ratio.p50.toFixed(1)}), some ${times(ratio.p50)} times, likelier under one than under the other ` +
      `(exponent ${ratio.p05.toFixed(1)} and ${ratio.p95.toFixed(1)} at the outer quantiles). A larger exponent hides less.`,
    ...(expectedUnchanged === null ? [] : [`About ${Math.round(expectedUnchanged * 100)} % of the vocabulary's tokens stay themselves; which ones is not told.`]),
    ...explainLabels(guarantee),
    `Covered: ${covered.join('; ')}.`,
    `Not covered: ${notCovered.join('; ')}.`,
    'The bound holds for one release of a text. A second, independent noisy version would add its own eta to it.',
  ];
}
