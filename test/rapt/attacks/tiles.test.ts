/** Attacks on vocabularies that are cut up: they hold no more than a tile at a time, and get what they would get of the
 *  whole. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { ATTACKS } from '../../../contracts/index.ts';
import {
  attackAttribute,
  audit,
  bayesianGuesses,
  deniability,
  LearnedInverter,
  nearestGuesses,
} from '../../../rapt/attacks/index.ts';
import { Channel, countedPrior, drawFrom, TableTiles, zipfPrior, type Tile } from '../../../rapt/channel/index.ts';
import { bestOf } from '../../../rapt/attacks/inference.ts';
import { createMechanism, seededRandom } from '../../../rapt/privacy/index.ts';
import { posteriorEmbeddings } from '../../../rapt/tuning/posterior.ts';
import { tf, tidy } from '../../../rapt/tensorflow.ts';
import { Turns } from '../../../rapt/turns.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { randomTable, range } from '../privacy/embedding-tables.ts';

process.env['RAPT_CACHE'] = temporaryFolder();
const ROWS = 1500;
const TILE_ROWS = 128;
const ETA = 12;
/** Scores of a block of outputs, of which 512 are looked at together at the most, and the best of a block in each
 *  tile. */
const MOST_NUMBERS = 600 * TILE_ROWS;
const table = randomTable(ROWS, 16);
const outputIds = range(7, ROWS);
const zipf = zipfPrior(ROWS, outputIds);

const random = seededRandom(3);
const mechanism = createMechanism({ name: 'exponential', eta: ETA, table, outputIds, random });
const plain = Array.from({ length: 300 }, () => drawFrom(zipf, 10, random));
const released = plain.map((text) => mechanism.privatize(text));
const uniformly = countedPrior(
  [],
  zipf.map((_, id) => (id >= 7 && id < 107 ? 1 : 0)),
  1,
);
const pairTokens = drawFrom(uniformly, 2000, random);
const pairs = { plain: pairTokens, noisy: mechanism.privatize(pairTokens), vocabulary: range(0, 110) };
mechanism.dispose();
const attributes = [{ name: 'first', values: plain.map(([first]) => (first! % 2 === 0 ? 'even' : 'odd')) }];
const release = Int32Array.from(released.flatMap((text) => [...text]));

const audited = (tileRows?: number) =>
  audit({
    table,
    outputIds,
    mechanism: 'exponential',
    eta: ETA,
    attacks: ATTACKS,
    plain,
    released,
    release,
    pairs,
    publicTexts: [],
    attributes,
    tileRows,
  });

/** Numbers in the largest tensor that an operation gives. */
async function largestTensor(work: () => Promise<unknown>): Promise<number> {
  const { kernels } = await tf.profile(async () => {
    await work();
    return tf.scalar(0);
  });
  return Math.max(
    ...kernels.flatMap(({ outputShapes }) =>
      outputShapes.map((shape) => shape.reduce((size, length) => size * length, 1)),
    ),
  );
}

describe('attacks tile by tile', () => {
  it('get what those get that look at all of the table, and free what they made', async () => {
    const whole = await audited();
    const before = tf.memory().numTensors;
    assert.deepEqual({ ...(await audited(TILE_ROWS)), deniability: null }, { ...whole, deniability: null });
    assert.equal(tf.memory().numTensors, before);
  });

  it('hold no more than a tile', async () => {
    const options = {
      table,
      outputIds,
      mechanism: 'exponential',
      eta: ETA,
      attacks: ['inversion', 'bayes', 'context', 'deniability'],
      plain,
      released,
      release,
      pairs: null,
      publicTexts: [],
      attributes: [],
    } as const;
    await audit(options);
    assert.ok((await largestTensor(() => audit(options))) > MOST_NUMBERS, 'what looks at all is found out');
    const largest = await largestTensor(() => audit({ ...options, tileRows: TILE_ROWS }));
    assert.ok(largest <= MOST_NUMBERS, `${largest} numbers`);
  });

  it('free what they made when they are stopped, too', async () => {
    const before = tf.memory().numTensors;
    for (const stopAt of ['bayes', 'learned', 'attributes']) {
      const stop = new AbortController();
      const stopped = audit({
        table,
        outputIds,
        mechanism: 'exponential',
        eta: ETA,
        attacks: ATTACKS,
        plain,
        released,
        release,
        pairs,
        publicTexts: [],
        attributes,
        tileRows: TILE_ROWS,
        signal: stop.signal,
        onAttack: (attack) => {
          if (attack === stopAt) stop.abort(new Error(`stopped at ${stopAt}`));
        },
      });
      await assert.rejects(stopped, { message: `stopped at ${stopAt}` });
      assert.equal(tf.memory().numTensors, before, stopAt);
    }
  });

  it('take the smaller id of two that are equally likely, in whatever tiles they lie', async () => {
    const tiles = new TableTiles(table, { tileRows: TILE_ROWS });
    /** As a function of the id alone: few different values. */
    const score = (y: number, id: number): number => (id * 7919 + y) % 5;
    const scores = (block: Int32Array, { start, end }: Tile) =>
      tf.tensor2d(
        Float32Array.from({ length: block.length * (end - start) }, (_, at) =>
          score(block[Math.floor(at / (end - start))]!, start + (at % (end - start))),
        ),
        [block.length, end - start],
      );
    const guesses = await bestOf(
      range(0, 300),
      40,
      tiles,
      (block, tile) => tidy(() => scores(block, tile)),
      new Turns(),
    );
    for (const [y, best] of guesses) {
      const expected = Array.from({ length: ROWS }, (_, id) => id).sort((a, b) => score(y, b) - score(y, a) || a - b);
      assert.deepEqual([...best], expected.slice(0, 40), `output ${y}`);
    }
    tiles.dispose();
  });

  it('know the same mean of what may have stood there', async () => {
    for (const mechanism of ['exponential', 'laplace'] as const) {
      const means = await posteriorEmbeddings(table, outputIds, mechanism, ETA);
      process.env['RAPT_CACHE'] = temporaryFolder();
      const ofTiles = await posteriorEmbeddings(table, outputIds, mechanism, ETA, TILE_ROWS);
      means.forEach((value, at) => assert.ok(Math.abs(value - ofTiles[at]!) < 1e-5, `${mechanism}, ${at}`));
    }
  });
});

describe('every attack by itself', () => {
  let channel: Channel;
  before(async () => {
    channel = await Channel.create({
      mechanism: 'exponential',
      eta: ETA,
      table,
      outputIds,
      prior: zipf,
      tileRows: TILE_ROWS,
    });
  });
  const ys = range(7, 500);
  const attacks: Readonly<Record<string, (turns: Turns) => Promise<unknown>>> = {
    inversion: (turns) => nearestGuesses(channel, ys, 10, turns),
    bayes: (turns) => bayesianGuesses(channel, zipf, ys, 10, turns),
    learned: (turns) => LearnedInverter.train(channel.tiles, pairs, turns),
    deniability: (turns) => deniability(channel, turns),
    attributes: (turns) => attackAttribute({ table, plain, released, ...attributes[0]! }, turns),
  };
  for (const [name, attack] of Object.entries(attacks))
    it(`${name} ends by its signal`, async () => {
      await assert.rejects(attack(new Turns(AbortSignal.abort(new Error('cancelled')))), /cancelled/);
    });
});
