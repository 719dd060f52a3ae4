/** k-ary randomized response on training labels (Warner, JASA 60, 1965; Kairouz, Oh and Viswanath, JMLR 17(17), 2016).
 *
 *  A label stays itself with probability p = e^eps / (e^eps + k - 1), and becomes each other class with q = 1 / (e^eps
 *  + k - 1). Two labels y, y' give an answer z with probabilities whose ratio is 1, p/q or q/p, so at most e^eps:
 *  eps-local differential privacy.
 *
 *  What is drawn: a uniform integer below n + (k - 1) m with m = 2^20 and n = floor(e^eps m), exact. The ratio n / m is
 *  at most e^eps, so the guarantee holds as it stands, without a term for rounding.
 *
 *  What rounding down costs is the answer's use: the epsilon that is really had, e' = ln(n / m), is below eps. With n
 *  > e^eps m - 1,
 *      eps - e' < -ln(1 - 1 / (e^eps m)) <= 1 / (e^eps m - 1) < 1 / (m - 1),
 *  the same small number for every eps, but no small part of a small eps: below 2^-20 n is m, and every class is
 *  answered alike. An epsilon of which more than LARGEST_LABEL_LOSS, one part in a hundred, might be lost is refused:
 *  one below 1 / (m - 1) / LARGEST_LABEL_LOSS = 9.54e-5, which is rounded up to LEAST_LABEL_EPSILON. */
import { LARGEST_LABEL_EPSILON, LEAST_LABEL_EPSILON, type Guarantee, type LabelNoise } from '../../contracts/index.ts';
import { systemRandom, type RandomSource } from './random-source.ts';
import { uniformInteger } from './number-samplers.ts';

const OTHER_WEIGHT = 2 ** 20;
/** Whole numbers may lose this part of an epsilon. */
export const LARGEST_LABEL_LOSS = 0.01;

/** Draws answers for labels. */
export class RandomizedResponse {
  /** The probabilities that are really drawn. */
  readonly noise: LabelNoise;
  readonly #classes: number;
  readonly #keepWeight: number;
  readonly #random: RandomSource;

  /** @param epsilon from LEAST_LABEL_EPSILON to LARGEST_LABEL_EPSILON.
   *  @param classes at least 2.
   *  @throws RangeError for another epsilon. */
  constructor(epsilon: number, classes: number, random: RandomSource = systemRandom) {
    if (!(epsilon >= LEAST_LABEL_EPSILON && epsilon <= LARGEST_LABEL_EPSILON))
      throw new RangeError(
        `randomized response needs an epsilon from ${LEAST_LABEL_EPSILON}, ` +
          `below which every class would be answered nearly alike, to ${LARGEST_LABEL_EPSILON}, ` +
          `above which nothing is hidden; not ${epsilon}`,
      );
    this.#classes = classes;
    this.#random = random;
    this.#keepWeight = Math.floor(Math.exp(epsilon) * OTHER_WEIGHT);
    const total = this.#keepWeight + (classes - 1) * OTHER_WEIGHT;
    this.noise = { epsilon, keep: this.#keepWeight / total, flip: OTHER_WEIGHT / total };
  }

  /** One answer for a label, drawn independently. @param label 0 to classes - 1. */
  draw(label: number): number {
    const drawn = uniformInteger(this.#random, this.#keepWeight + (this.#classes - 1) * OTHER_WEIGHT);
    if (drawn < this.#keepWeight) return label;
    const other = Math.floor((drawn - this.#keepWeight) / OTHER_WEIGHT);
    return other < label ? other : other + 1;
  }
}

/** What the guarantee says of labels that left as they are. */
export const LABELS_NOT_COVERED = 'the training labels, the set of class names, and how many texts each class has';

/** What the guarantee says of test labels that are not protected. */
export const TEST_LABELS_NOT_COVERED =
  'how well the tuned model does on the test texts: ' +
  'accuracy and F1 are told in steps of 0.01 or more that are at least 5 test texts wide, ' +
  'and not at all below 20 of them';

/** The guarantee of a release whose training labels were drawn as well. */
export function withLabelNoise(guarantee: Guarantee, noise: LabelNoise): Guarantee {
  const { epsilon } = noise;
  return {
    ...guarantee,
    labelEpsilon: epsilon,
    covered: [
      ...guarantee.covered,
      `each training label: randomized response with epsilon = ${epsilon}, whatever the text`,
      'each test label, in each run that is graded by it: ' +
        `the number of right answers is told with two-sided geometric noise of epsilon = ${epsilon}, ` +
        'and nothing else about it',
    ],
    notCovered: guarantee.private
      ? guarantee.notCovered
          .filter((part) => part !== TEST_LABELS_NOT_COVERED)
          .map((part) => (part === LABELS_NOT_COVERED ? 'the set of class names' : part))
      : ['everything but the training labels: no text is protected'],
  };
}

/** What happened to the labels, in words; empty when they left as they are. */
export function explainLabels({ labelEpsilon }: Guarantee): string[] {
  if (labelEpsilon === undefined) return [];
  const times = Math.exp(labelEpsilon).toPrecision(3);
  return [
    `Every training label was answered by randomized response with epsilon = ${labelEpsilon}: ` +
      `each answer is at most ${times} times likelier under one class than under another. ` +
      'The accuracy on the test texts is told with noise of the same epsilon, drawn once in each run. ' +
      'A text that is released again has its label drawn again, and the epsilons add up.',
  ];
}
