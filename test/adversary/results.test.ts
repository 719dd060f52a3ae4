/** The provider makes the predictions, so it chooses the question that an accuracy answers. It has 20 runs on a table
 *  of 200 rows, 40 of them held out, and is after the labels of these; which class is the more frequent one, and by
 *  how much, it knows beforehand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toldEvaluation } from '../../rapt/client/index.ts';
import { checkGates, evaluate, gateValues } from '../../rapt/evaluation/index.ts';
import { seededRandom, uniform, uniformInteger, type RandomSource } from '../../rapt/privacy/index.ts';

const RUNS = 20;
const ROWS = 40;
/** Of the second class. */
const PRIOR = 0.4;
const SEEDS = 200;
/** One-sided 99.9 % normal quantile. */
const Z999 = 3.09;
/** What a reader of labels may gain over always guessing the more frequent class: one row of 40. */
const MARGIN = 1 / ROWS;

const labelsOf = (random: RandomSource): Int32Array =>
  Int32Array.from({ length: ROWS }, () => (uniform(random) < PRIOR ? 1 : 0));
const anyAnswers = (random: RandomSource): Int32Array =>
  Int32Array.from({ length: ROWS }, () => uniformInteger(random, 2));
const share = (guesses: ArrayLike<number>, labels: Int32Array): number =>
  labels.filter((label, row) => guesses[row] === label).length / ROWS;

test('with the confusion matrix the provider reads two rows a run: a class for each, the third for the rest', () => {
  const random = seededRandom(1);
  const labels = Int32Array.from({ length: ROWS }, () => uniformInteger(random, 3));
  const read = new Int32Array(ROWS).fill(-1);
  for (let run = 0; run < RUNS; run++) {
    const answers = new Int32Array(ROWS).fill(2);
    answers[2 * run] = 0;
    answers[2 * run + 1] = 1;
    const { confusion } = evaluate(labels, answers, 3);
    for (const column of [0, 1]) read[2 * run + column] = confusion.findIndex((row) => row[column] === 1);
  }
  assert.equal(share(read, labels), 1);
});

test('with 20 exact accuracies the provider reads 40 rows: 20 equations in 40 unknown bits have one solution', () => {
  for (const seed of [1, 2, 3]) {
    const random = seededRandom(seed);
    const labels = labelsOf(random);
    const asked = Array.from({ length: RUNS }, () => anyAnswers(random));
    const right = asked.map((answers) => Math.round(evaluate(labels, answers, 2).accuracy * ROWS));
    const solutions = solve(asked, right, random);
    assert.deepEqual(
      solutions.map((one) => share(one, labels)),
      [1],
      `seed ${seed}`,
    );
  }
});

/** All labels under which each set of answers has so many right ones. The equations are added up with random weights
 *  to one, whose solutions are sought half by half; each that is found is held against all of them. */
function solve(asked: readonly Int32Array[], right: readonly number[], random: RandomSource): Int32Array[] {
  const weights = asked.map(() => uniformInteger(random, PRIME));
  const sum = (values: readonly number[]): number => values.reduce((total, value) => modulo(total + value), 0);
  // Answers p and a label y agree: 1 - p + y (2 p - 1).
  const gain = Array.from({ length: ROWS }, (_, row) =>
    sum(asked.map((answers, at) => (answers[row] === 1 ? weights[at]! : PRIME - weights[at]!))),
  );
  const target = sum(
    asked.flatMap((answers, at) =>
      Array.from({ length: Math.abs(right[at]! - zeros(answers)) }, () =>
        right[at]! > zeros(answers) ? weights[at]! : PRIME - weights[at]!,
      ),
    ),
  );
  const HALF = ROWS / 2;
  const sums = (from: number): Float64Array => {
    const all = new Float64Array(2 ** HALF);
    for (let bit = 0; bit < HALF; bit++)
      for (let at = 0; at < 2 ** bit; at++) all[2 ** bit + at] = modulo(all[at]! + gain[from + bit]!);
    return all;
  };
  const [low, high] = [sums(0), sums(HALF)];
  const wanted = new Set(low);
  const solutions: Int32Array[] = [];
  high.forEach((value, upper) => {
    const missing = modulo(target - value + PRIME);
    if (!wanted.has(missing)) return;
    low.forEach((other, lower) => {
      if (other !== missing) return;
      const labels = Int32Array.from(
        { length: ROWS },
        (_, row) => (row < HALF ? lower >> row : upper >> (row - HALF)) & 1,
      );
      if (asked.every((answers, at) => Math.round(share(answers, labels) * ROWS) === right[at])) solutions.push(labels);
    });
  });
  return solutions;
}
/** Below 2^50, so that sums of two stay exact. */
const PRIME = 2 ** 50 - 27;
const modulo = (value: number): number => value % PRIME;
const zeros = (answers: Int32Array): number => answers.filter((answer) => answer === 0).length;

interface Answered {
  readonly answers: Int32Array;
  readonly told: number | null;
}

/** What the provider gains over the more frequent class from the accuracies that are told, in shares of the rows: mean
 *  over seeds, and its standard error. @param epsilon null: steps alone. @param paid noisy counts that the label budget
 *  has. */
async function gainOf(
  epsilon: number | null,
  paid: number,
): Promise<{ readonly mean: number; readonly error: number }> {
  const likelihood = await likelihoods(epsilon);
  const gains: number[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = seededRandom(1000 + seed);
    const labels = labelsOf(random);
    let left = paid;
    const runs: Answered[] = [];
    for (let run = 0; run < RUNS; run++) {
      const answers = anyAnswers(random);
      const { accuracy } = await toldEvaluation(
        evaluate(labels, answers, 2),
        epsilon,
        () => Promise.resolve(left-- > 0),
        random,
      );
      runs.push({ answers, told: accuracy.value });
    }
    gains.push(share(likeliest(runs, likelihood, random), labels) - share(new Int32Array(ROWS), labels));
  }
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / SEEDS;
  const variance = gains.reduce((sum, gain) => sum + (gain - mean) ** 2, 0) / (SEEDS - 1);
  return { mean, error: Math.sqrt(variance / SEEDS) };
}

/** log P(told | right answers), which the provider knows from this code: by right answers, told in hundredths. */
async function likelihoods(epsilon: number | null): Promise<readonly (readonly number[])[]> {
  const tell = async (right: number): Promise<number> =>
    (await toldEvaluation({ accuracy: right / ROWS, f1: 0, n: ROWS }, null, () => Promise.resolve(true))).accuracy
      .value!;
  const steps = await Promise.all(Array.from({ length: ROWS + 1 }, (_, right) => tell(right)));
  return steps.map((_, right) => {
    const chances = new Array<number>(101).fill(0);
    // Counts beyond either end are clamped to it, and noise beyond 400 has no weight that counts.
    for (let noise = -400; noise <= 400; noise++) {
      const chance =
        epsilon === null
          ? Number(noise === 0)
          : ((1 - Math.exp(-epsilon)) / (1 + Math.exp(-epsilon))) * Math.exp(-epsilon * Math.abs(noise));
      chances[Math.round(steps[Math.min(ROWS, Math.max(0, right + noise))]! * 100)]! += chance;
    }
    return chances.map((chance) => Math.log(Math.max(chance, 1e-12)));
  });
}

const SWEEPS = 120;
const UNTIL_SETTLED = 30;

/** The more probable label of each row given all that the provider was told: Bayes' rule, by Gibbs sampling, since 2^40
 *  labellings are too many to add up. */
function likeliest(
  runs: readonly Answered[],
  likelihood: readonly (readonly number[])[],
  random: RandomSource,
): Int32Array {
  const told = runs.flatMap(({ answers, told: value }) =>
    value === null ? [] : [{ answers, value: Math.round(value * 100) }],
  );
  const labels = labelsOf(random);
  const right = told.map(({ answers }) => Math.round(share(answers, labels) * ROWS));
  const seen = new Float64Array(ROWS);
  for (let sweep = 0; sweep < SWEEPS; sweep++)
    for (let row = 0; row < ROWS; row++) {
      // Of the second class against the first.
      let logOdds = Math.log(PRIOR / (1 - PRIOR));
      told.forEach(({ answers, value }, at) => {
        const without = right[at]! - Number(answers[row] === labels[row]);
        const [first, second] = answers[row] === 0 ? [without + 1, without] : [without, without + 1];
        logOdds += likelihood[second]![value]! - likelihood[first]![value]!;
      });
      const chance = 1 / (1 + Math.exp(-logOdds));
      const drawn = uniform(random) < chance ? 1 : 0;
      if (drawn !== labels[row]) {
        told.forEach(({ answers }, at) => (right[at]! += answers[row] === drawn ? 1 : -1));
        labels[row] = drawn;
      }
      if (sweep >= UNTIL_SETTLED) seen[row]! += chance;
    }
  return Int32Array.from(seen, (sum) => (sum / (SWEEPS - UNTIL_SETTLED) > 0.5 ? 1 : 0));
}

/** To within one row of 40, at 99.9 % confidence. */
test('with what is told under a label budget of epsilon 1 the provider does no better than the majority', async (t) => {
  for (const { epsilon, paid, what } of [
    { epsilon: 1, paid: 1, what: 'one figure of epsilon 1' },
    { epsilon: 0.05, paid: RUNS, what: '20 figures of epsilon 0.05' },
  ]) {
    const { mean, error } = await gainOf(epsilon, paid);
    t.diagnostic(
      `${what}: gains ${(100 * mean).toFixed(2)} points, standard error ${(100 * error).toFixed(2)}, ${SEEDS} seeds`,
    );
    assert.ok(mean + Z999 * error < MARGIN, `${what}: gains ${mean}`);
  }
});

test('the same attacker gains where noise or budget is missing: steps alone bound nothing', async (t) => {
  for (const { epsilon, paid, what } of [
    { epsilon: null, paid: RUNS, what: 'steps alone' },
    { epsilon: 1, paid: RUNS, what: 'epsilon 1, and a label budget without an end' },
  ]) {
    const { mean, error } = await gainOf(epsilon, paid);
    t.diagnostic(`${what}: gains ${(100 * mean).toFixed(2)} points, standard error ${(100 * error).toFixed(2)}`);
    assert.ok(mean - Z999 * error > MARGIN, `${what}: gains ${mean}`);
  }
});

/** The definition itself, in case the provider's picture of the noise is not what is drawn: one label more or less
 *  changes the chance of no figure by more than a factor of e^epsilon. The bound is reached, so that draws exceed it
 *  by chance; 0.07 is more than five standard errors of so many. */
test('one label changes the chance of each figure by a factor of e^epsilon at most', async () => {
  const [epsilon, draws, error] = [1, 10_000, 0.07];
  const random = seededRandom(7);
  const paid = (): Promise<boolean> => Promise.resolve(true);
  const chancesOf = async (right: number): Promise<Map<number, number>> => {
    const chances = new Map<number, number>();
    for (let draw = 0; draw < draws; draw++) {
      const { accuracy } = await toldEvaluation({ accuracy: right / ROWS, f1: 0.5, n: ROWS }, epsilon, paid, random);
      chances.set(accuracy.value!, (chances.get(accuracy.value!) ?? 0) + 1 / draws);
    }
    return chances;
  };
  // At each edge between two steps, where the next right answer alone would change what is told, and at the end.
  for (const right of [0, 3, 11, 19, 27, 35, 39]) {
    const [less, more] = [await chancesOf(right), await chancesOf(right + 1)];
    const exceeds = (one: Map<number, number>, other: Map<number, number>): boolean =>
      [...one].some(([figure, chance]) => chance > Math.E ** epsilon * (other.get(figure) ?? 0) + error);
    assert.ok(!exceeds(less, more) && !exceeds(more, less), `${right} or ${right + 1} right answers`);
  }
});

test('gates with bounds of its choice tell the provider nothing that the told accuracy does not', async () => {
  const bounds = Array.from({ length: 101 }, (_, at) => `>=${at / 100}`);
  for (const epsilon of [null, 1]) {
    const outcomes = new Map<string, string>();
    for (let right = 0; right <= ROWS; right++) {
      const { accuracy } = await toldEvaluation(
        { accuracy: right / ROWS, f1: 0.5, n: ROWS },
        epsilon,
        () => Promise.resolve(true),
        seededRandom(right),
      );
      const values = gateValues({
        test: { accuracy: accuracy.value, f1: null, reconstruction: null },
        unchangedRate: null,
        audit: null,
      });
      const passed = checkGates({ accuracy: bounds }, values)
        .map((gate) => Number(gate.passed))
        .join('');
      assert.equal(outcomes.get(String(accuracy.value)) ?? passed, passed);
      outcomes.set(String(accuracy.value), passed);
    }
    // Steps of 5 rows of 40 and more: 0, 0.2, ... 1.
    assert.ok(outcomes.size <= 6, `${outcomes.size} outcomes`);
  }
});
