import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noisyCount, seededRandom, type RandomSource } from '../../../rapt/privacy/index.ts';
import { chiSquare, chiSquareLimit } from './statistics.ts';

const DRAWS = 40_000;
const MOST = 12;

/** P(answer) for each count of 0 to MOST, in closed form. */
function law(count: number, epsilon: number): number[] {
  const a = Math.exp(-epsilon);
  const chances = new Array<number>(MOST + 1).fill(0);
  for (let noise = -2000; noise <= 2000; noise++)
    chances[Math.min(MOST, Math.max(0, count + noise))]! += ((1 - a) / (1 + a)) * a ** Math.abs(noise);
  return chances;
}

const drawn = (count: number, epsilon: number, random: RandomSource): number[] => {
  const counts = new Array<number>(MOST + 1).fill(0);
  for (let draw = 0; draw < DRAWS; draw++) counts[noisyCount(count, MOST, epsilon, random)]!++;
  return counts;
};

test('counts are told with two-sided geometric noise, clamped to what a count can be', () => {
  for (const [epsilon, count] of [
    [0.1, 3],
    [1, 0],
    [1, 7],
    [3, 12],
  ] as const) {
    const { statistic, degrees } = chiSquare(drawn(count, epsilon, seededRandom(7)), law(count, epsilon));
    assert.ok(statistic < chiSquareLimit(degrees), `epsilon ${epsilon}, count ${count}: ${statistic}`);
  }
});

test('noise of twice the epsilon, or that counts zero twice, would be noticed', () => {
  const fails = (counts: number[], chances: number[]): boolean => {
    const { statistic, degrees } = chiSquare(counts, chances);
    return statistic > chiSquareLimit(degrees);
  };
  assert.ok(fails(drawn(7, 2, seededRandom(7)), law(7, 1)));
  const twice = law(7, 1).map((chance, answer) => (answer === 7 ? 2 * chance : chance));
  const sum = twice.reduce((total, chance) => total + chance, 0);
  assert.ok(
    fails(
      drawn(7, 1, seededRandom(7)),
      twice.map((chance) => chance / sum),
    ),
  );
});

test('neighbouring counts give each answer with chances within a factor of e^epsilon', () => {
  for (const epsilon of [0.05, 1, 5])
    for (let count = 0; count < MOST; count++) {
      const [one, other] = [law(count, epsilon), law(count + 1, epsilon)];
      for (let answer = 0; answer <= MOST; answer++)
        assert.ok(Math.abs(Math.log(one[answer]! / other[answer]!)) <= epsilon + 1e-9, `epsilon ${epsilon}`);
    }
});

test('a tiny epsilon takes no longer and gives an end of the range; what is not a count is refused', () => {
  const random = seededRandom(3);
  const ends = new Set(Array.from({ length: 40 }, () => noisyCount(5, 10, 1e-300, random)));
  assert.deepEqual(
    [...ends].sort((a, b) => a - b),
    [0, 10],
  );
  for (const [count, most, epsilon] of [
    [-1, 5, 1],
    [6, 5, 1],
    [1.5, 5, 1],
    [1, 5, 0],
    [1, 5, NaN],
  ] as const)
    assert.throws(() => noisyCount(count, most, epsilon), RangeError);
});
