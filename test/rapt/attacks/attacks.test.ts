import assert from 'node:assert/strict';
import { after, before, describe, it, test } from 'node:test';
import { ATTACKS } from '../../../contracts/index.ts';
import {
  attackAttribute,
  audit,
  LearnedInverter,
  bayesianGuesses,
  SuccessCounter,
  type AuditOptions,
} from '../../../rapt/attacks/index.ts';
import { Channel, countedPrior, drawFrom, zipfPrior } from '../../../rapt/channel/index.ts';
import {
  createMechanism,
  fillDirection,
  seededRandom,
  uniform,
  type EmbeddingTable,
} from '../../../rapt/privacy/index.ts';
import { temporaryFolder } from '../../support/folder.ts';

const ROWS = 200;
const DIMENSIONS = 6;
const ETA = 10;
const outputIds = Int32Array.from({ length: ROWS - 5 }, (_, i) => i + 5);
const table = randomTable();

let cacheBefore: string | undefined;
before(() => {
  cacheBefore = process.env['RAPT_CACHE'];
  process.env['RAPT_CACHE'] = temporaryFolder();
});
after(() => {
  if (cacheBefore === undefined) delete process.env['RAPT_CACHE'];
  else process.env['RAPT_CACHE'] = cacheBefore;
});

function randomTable(): EmbeddingTable {
  const random = seededRandom(1);
  const values = new Float32Array(ROWS * DIMENSIONS);
  const direction = new Float64Array(DIMENSIONS);
  for (let row = 0; row < ROWS; row++) {
    fillDirection(random, direction);
    const norm = 0.4 + uniform(random);
    for (let i = 0; i < DIMENSIONS; i++) values[row * DIMENSIONS + i] = norm * direction[i]!;
  }
  return { values, rows: ROWS, dimensions: DIMENSIONS, sha256: 'a'.repeat(64) };
}

const distance = (a: number, b: number): number =>
  Math.hypot(
    ...Array.from(
      { length: DIMENSIONS },
      (_, i) => table.values[a * DIMENSIONS + i]! - table.values[b * DIMENSIONS + i]!,
    ),
  );

/** log P(y|x) of the exponential mechanism, term by term. */
function logLikelihood(y: number, x: number): number {
  const total = outputIds.reduce((sum, output) => sum + Math.exp((-ETA / 2) * distance(x, output)), 0);
  return (-ETA / 2) * distance(x, y) - Math.log(total);
}

const zipf = zipfPrior(ROWS, outputIds);
const channelOf = (prior = zipf, mechanism: 'exponential' | 'laplace' = 'exponential', eta = ETA): Promise<Channel> =>
  Channel.create({ mechanism, eta, table, outputIds, prior });

/** Texts of ten tokens drawn from a prior, and what the mechanism makes of them. */
function texts(
  prior: Float64Array,
  count: number,
  name: 'exponential' | 'laplace' | 'none',
  eta: number | undefined,
  seed = 3,
): { plain: Int32Array[]; released: Int32Array[] } {
  const random = seededRandom(seed);
  const mechanism = createMechanism({ name, ...(eta === undefined ? {} : { eta }), table, outputIds, random });
  const plain = Array.from({ length: count }, () => drawFrom(prior, 10, random));
  const released = plain.map((text) => mechanism.privatize(text));
  mechanism.dispose();
  return { plain, released };
}

const flat = (lists: readonly Int32Array[]): Int32Array => Int32Array.from(lists.flatMap((list) => [...list]));

function auditOf(
  o: { plain: Int32Array[]; released: Int32Array[] },
  mechanism: AuditOptions['mechanism'],
  eta: number | null,
  more: Partial<AuditOptions> = {},
): ReturnType<typeof audit> {
  return audit({
    table,
    outputIds,
    mechanism,
    eta,
    attacks: ATTACKS,
    release: flat(o.released),
    pairs: null,
    publicTexts: [],
    attributes: [],
    ...o,
    ...more,
  });
}

const successOf = (result: Awaited<ReturnType<typeof audit>>, name: string): number =>
  result.attacks.find(({ attack }) => attack === name)!.success.value;

test("the Bayesian adversary's guess is the token of largest P(y|x) P(x)", async () => {
  const channel = await channelOf();
  const ys = Int32Array.of(5, 50, 120);
  const guesses = await bayesianGuesses(channel, zipf, ys, 3);
  for (const y of ys) {
    const scores = Array.from({ length: ROWS }, (_, x) => logLikelihood(y, x) + Math.log(zipf[x]!));
    const best = scores
      .map((score, x) => [score, x] as const)
      .sort((a, b) => b[0] - a[0])
      .slice(0, 3)
      .map(([, x]) => x);
    assert.deepEqual([...guesses.get(y)!], best);
  }
  channel.dispose();
});

test(
  'Bayes beats the nearest token, the learned inverter comes near to Bayes, and prior knowledge is behind both',
  { timeout: 120_000 },
  async () => {
    const drawn = texts(zipf, 600, 'exponential', ETA);
    const vocabulary = outputIds;
    const uniformPrior = countedPrior(
      [],
      zipf.map((_, id) => (id >= 5 ? 1 : 0)),
      1,
    );
    const pairs = texts(uniformPrior, 2000, 'exponential', ETA, 9);
    const result = await auditOf(drawn, 'exponential', ETA, {
      pairs: { plain: flat(pairs.plain), noisy: flat(pairs.released), vocabulary },
    });
    const [inversion, bayes, learned] = ['inversion', 'bayes', 'learned'].map((name) => successOf(result, name)) as [
      number,
      number,
      number,
    ];
    assert.equal(
      inversion,
      flat(drawn.plain).filter((id, at) => id === flat(drawn.released)[at]).length / 6000,
      'the nearest token is the released one',
    );
    assert.ok(bayes > inversion + 0.01, `Bayes ${bayes}, nearest ${inversion}`);
    assert.ok(learned > bayes - 0.05, `learned ${learned}, Bayes ${bayes}`);
    for (const { attack, success, priorOnly, n } of result.attacks) {
      assert.equal(n, 6000);
      assert.ok(success.low <= success.value && success.value <= success.high);
      if (attack !== 'masked') assert.ok(success.value > priorOnly.value, attack);
    }
  },
);

test('tokens that hang together are decoded better in context', { timeout: 120_000 }, async () => {
  // Each token decides the next one.
  const random = seededRandom(5);
  const plain = Array.from({ length: 400 }, () => {
    const first = 5 + Math.floor(uniform(random) * 195);
    return Int32Array.from({ length: 10 }, (_, at) => 5 + ((first - 5 + 37 * at) % 195));
  });
  const mechanism = createMechanism({ name: 'exponential', eta: 14, table, outputIds, random });
  const released = plain.map((text) => mechanism.privatize(text));
  mechanism.dispose();
  const result = await auditOf({ plain, released }, 'exponential', 14, {
    publicTexts: plain.slice(0, 100).map((text) => text.slice()),
  });
  assert.ok(
    successOf(result, 'context') > successOf(result, 'bayes') + 0.05,
    `context ${successOf(result, 'context')}, alone ${successOf(result, 'bayes')}`,
  );
  assert.ok(successOf(result, 'masked') > 0.2);
});

test(
  'without noise every attack gets everything; with nothing but noise, what prior knowledge gets',
  { timeout: 120_000 },
  async () => {
    const all = await auditOf(texts(zipf, 100, 'none', undefined), 'none', null);
    for (const name of ['inversion', 'bayes', 'context']) assert.equal(successOf(all, name), 1, name);
    const nothing = await auditOf(texts(zipf, 300, 'exponential', 0.01), 'exponential', 0.01);
    const bayes = nothing.attacks.find(({ attack }) => attack === 'bayes')!;
    assert.ok(Math.abs(bayes.success.value - bayes.priorOnly.value) < 0.05);
  },
);

test('the laplace mechanism is attacked through a channel that is fitted to it', { timeout: 120_000 }, async () => {
  const drawn = texts(zipf, 400, 'laplace', 20);
  const result = await auditOf(drawn, 'laplace', 20, { attacks: ['inversion', 'bayes', 'deniability'] });
  assert.ok(successOf(result, 'bayes') >= successOf(result, 'inversion'));
  const { staysItself } = result.deniability!;
  assert.ok(staysItself.p05 < staysItself.p50 && staysItself.p50 < staysItself.p95);
});

describe('an attribute', { timeout: 120_000 }, () => {
  const random = seededRandom(8);
  const values = Array.from({ length: 600 }, () => (uniform(random) < 0.5 ? 'young' : 'old'));
  const plain = values.map((value) =>
    drawFrom(zipf, 10, random).map((id, at) => (at === 3 ? (value === 'young' ? 40 : 41) : id)),
  );
  const mechanism = createMechanism({ name: 'exponential', eta: 4, table, outputIds, random });
  const released = plain.map((text) => mechanism.privatize(text));
  mechanism.dispose();
  const coins = values.map(() => (uniform(random) < 0.5 ? 'a' : 'b'));
  const attack = (of: readonly (string | null)[]): ReturnType<typeof attackAttribute> =>
    attackAttribute({ table, plain, released, name: 'age', values: of });

  it('that follows from the words is guessed better from plain text than from the release', async () => {
    const { onPlainText, success } = (await attack(values))!;
    assert.ok(onPlainText.value > 0.9);
    assert.ok(onPlainText.value > success.value);
  });

  it('that has nothing to do with the words is not guessed', async () => {
    const { success } = (await attack(coins))!;
    assert.ok(success.low < 0.6 && success.high > 0.4);
  });

  it('of one value is not attacked', async () => {
    assert.equal(await attack(values.map(() => 'same')), null);
  });
});

test('intervals are wider when the tokens of a text stand and fall together', () => {
  const [alike, mixed] = [new SuccessCounter(), new SuccessCounter()];
  for (let text = 0; text < 100; text++) {
    alike.add(text % 2 === 0 ? 20 : 0, 20);
    mixed.add(10, 20);
  }
  const width = ({ low, high }: { low: number; high: number }): number => high - low;
  assert.equal(alike.rate().value, mixed.rate().value);
  assert.ok(width(alike.rate()) > 3 * width(mixed.rate()));
  assert.ok(width(mixed.rate()) > 0.03, 'never narrower than that of independent tokens');
});

test('a learned inverter knows a rate like the mechanism’s', { timeout: 60_000 }, async () => {
  const uniformPrior = countedPrior(
    [],
    zipf.map((_, id) => (id >= 5 ? 1 : 0)),
    1,
  );
  const pairs = texts(uniformPrior, 2000, 'exponential', ETA, 10);
  const channel = await channelOf();
  const inverter = await LearnedInverter.train(channel.tiles, {
    plain: flat(pairs.plain),
    noisy: flat(pairs.released),
    vocabulary: outputIds,
  });
  const ys = outputIds.slice(0, 60);
  const [learned, bayes] = await Promise.all([
    inverter.guesses(uniformPrior, ys, 1),
    bayesianGuesses(channel, uniformPrior, ys, 1),
  ]);
  const same = [...ys].filter((y) => learned.get(y)![0] === bayes.get(y)![0]).length;
  assert.ok(same > 40, `${same} of 60 guesses are Bayes'`);
  inverter.dispose();
  channel.dispose();
});

test('attacks that are stopped go no further, and throw the reason', async () => {
  const stop = new AbortController();
  const begun: string[] = [];
  const stopped = auditOf(texts(zipf, 20, 'exponential', ETA), 'exponential', ETA, {
    signal: stop.signal,
    onAttack: (attack) => {
      begun.push(attack);
      stop.abort();
    },
  });
  await assert.rejects(stopped, { name: 'AbortError' });
  assert.deepEqual(begun, ['inversion']);
});
