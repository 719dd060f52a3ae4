import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import {
  categorical,
  fillDirection,
  fillGaussian,
  gamma,
  seededRandom,
  systemRandom,
  uniform,
  uniformInteger,
} from '../../../rapt/privacy/index.ts';
import { chiSquare, chiSquareLimit, gammaCdf, ksDistance, ksLimit, normalCdf } from './statistics.ts';

const N = 20_000;
const sample = (draw: () => number): number[] => Array.from({ length: N }, draw);

test('uniform numbers are uniform', () => {
  const random = seededRandom(1);
  assert.ok(
    ksDistance(
      sample(() => uniform(random)),
      (x) => x,
    ) < ksLimit(N),
  );
});

test('uniform integers are uniform where rejection is most frequent, and reach above 32 bits', () => {
  const random = seededRandom(2);
  for (const n of [1, 2, 3, 5, 17, 33]) {
    const counts = new Float64Array(n);
    for (let i = 0; i < N; i++) counts[uniformInteger(random, n)]!++;
    if (n === 1) continue;
    const { statistic, degrees } = chiSquare(counts, new Float64Array(n).fill(1 / n));
    assert.ok(statistic < chiSquareLimit(degrees), `n = ${n}: ${statistic}`);
  }
  const large = 2 ** 52 + 1;
  assert.ok(
    ksDistance(
      sample(() => uniformInteger(random, large) / large),
      (x) => x,
    ) < ksLimit(N),
  );
  assert.throws(() => uniformInteger(random, 0), RangeError);
  assert.throws(() => uniformInteger(random, 2 ** 53 + 2), RangeError);
});

test('a modulo instead of rejection would be noticed', () => {
  const random = seededRandom(3);
  const counts = new Float64Array(3);
  for (let i = 0; i < N; i++) counts[uniformInteger(random, 4) % 3]!++;
  const { statistic, degrees } = chiSquare(counts, [1 / 3, 1 / 3, 1 / 3]);
  assert.ok(statistic > chiSquareLimit(degrees));
});

test('Gaussian numbers are standard normal', () => {
  const values = new Float64Array(N);
  fillGaussian(seededRandom(4), values);
  assert.ok(ksDistance([...values], normalCdf) < ksLimit(N));
});

test('Gamma numbers have their distribution at small and large shapes', () => {
  for (const shape of [1, 2, 16, 384]) {
    const random = seededRandom(5 + shape);
    const scale = 1 / 75;
    const distance = ksDistance(
      sample(() => gamma(random, shape, scale)),
      (x) => gammaCdf(x / scale, shape),
    );
    assert.ok(distance < ksLimit(N), `shape ${shape}: ${distance}`);
  }
});

test('directions are uniform on the sphere: length 1, and each coordinate has the density (1 - x^2)^((d-3)/2)', () => {
  // In three dimensions a coordinate is uniform on [-1, 1] (Archimedes).
  const random = seededRandom(6);
  const direction = new Float64Array(3);
  const coordinates = sample(() => {
    fillDirection(random, direction);
    assert.ok(Math.abs(Math.hypot(...direction) - 1) < 1e-12);
    return direction[1]!;
  });
  assert.ok(ksDistance(coordinates, (x) => (x + 1) / 2) < ksLimit(N));
});

test('categorical draws follow integer weights, zeros included', () => {
  const random = seededRandom(7);
  const weights = [5, 0, 1, 94, 900];
  const counts = new Float64Array(weights.length);
  for (let i = 0; i < N; i++) counts[categorical(random, weights)]!++;
  const { statistic, degrees } = chiSquare(
    counts,
    weights.map((weight) => weight / 1000),
  );
  assert.ok(statistic < chiSquareLimit(degrees));
  assert.equal(counts[1], 0);
});

test('the system source is private, a seeded one is not', () => {
  assert.equal(systemRandom.private, true);
  assert.equal(seededRandom(1).private, false);
});

test('two processes, and two forks of one program, do not share a stream', () => {
  const source = new URL('../../../rapt/privacy/random-source.ts', import.meta.url).href;
  const program = `import { systemRandom } from ${JSON.stringify(source)};
    const bytes = new Uint8Array(16); systemRandom.fill(bytes); console.log(Buffer.from(bytes).toString('hex'));`;
  const draw = (): string =>
    execFileSync(process.execPath, ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
  assert.notEqual(draw(), draw());
});

test('bytes that were handed out do not come again', () => {
  const seen = new Set<string>();
  for (let i = 0; i < 10_000; i++) {
    const bytes = new Uint8Array(16);
    systemRandom.fill(bytes);
    seen.add(Buffer.from(bytes).toString('hex'));
  }
  assert.equal(seen.size, 10_000);
});
