import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Channel,
  countedPrior,
  drawFrom,
  estimatedPrior,
  zipfPrior,
  type ChannelOptions,
} from '../../../rapt/channel/index.ts';
import { createMechanism, seededRandom } from '../../../rapt/privacy/index.ts';
import { tf } from '../../../rapt/tensorflow.ts';
import { Turns } from '../../../rapt/turns.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { randomTable, range } from '../privacy/embedding-tables.ts';

process.env['RAPT_CACHE'] = temporaryFolder();
const ROWS = 1500;
const TILE_ROWS = 128;
const ETA = 12;
const table = randomTable(ROWS, 16);
const outputIds = range(7, ROWS);
const zipf = zipfPrior(ROWS, outputIds);

const channelOf = (options: Partial<ChannelOptions> = {}): Promise<Channel> =>
  Channel.create({ mechanism: 'exponential', eta: ETA, table, outputIds, prior: zipf, ...options });

/** What the mechanism answers for tokens that are drawn from a prior. */
function releasedFrom(prior: Float64Array, tokens: number): Int32Array {
  const random = seededRandom(3);
  const mechanism = createMechanism({ name: 'exponential', eta: ETA, table, outputIds, random });
  const released = mechanism.privatize(drawFrom(prior, tokens, random));
  mechanism.dispose();
  return released;
}

test('what was released tells its prior', async () => {
  const isLikely = (id: number): boolean => id >= 7 && id % 100 === 7;
  const truth = countedPrior(
    [],
    zipf.map((_, id) => (isLikely(id) ? 1 : 1e-6)),
    1,
  );
  const channel = await channelOf();
  const estimated = await estimatedPrior(channel, releasedFrom(truth, 6000), zipf);
  channel.dispose();
  const shareOfLikely = (prior: Float64Array): number => prior.reduce((sum, p, id) => sum + (isLikely(id) ? p : 0), 0);
  const [before, after] = [shareOfLikely(zipf), shareOfLikely(estimated)];
  assert.ok(before < 0.2, `${before} before`);
  assert.ok(after > 0.5, `${after} after`);
});

test('the prior is the same whether likelihoods are kept or made again, in tiles or not', async () => {
  const released = releasedFrom(zipf, 3000);
  const channel = await channelOf({ tileRows: TILE_ROWS });
  const kept = await estimatedPrior(channel, released, zipf);
  assert.deepEqual(await estimatedPrior(channel, released, zipf, new Turns(), 0), kept);
  channel.dispose();
  const whole = await channelOf();
  const expected = await estimatedPrior(whole, released, zipf);
  for (let id = 0; id < ROWS; id++) assert.ok(Math.abs(kept[id]! - expected[id]!) < 1e-6, `token ${id}`);
  whole.dispose();
});

test('likelihoods that are made again take the memory of one tile', async () => {
  const released = releasedFrom(zipf, 3000);
  const channel = await channelOf({ tileRows: TILE_ROWS });
  await estimatedPrior(channel, released, zipf);
  const before = tf.memory().numBytes;
  let mostBytes = 0;
  const watching = new Turns();
  const next = watching.next.bind(watching);
  watching.next = () => {
    mostBytes = Math.max(mostBytes, tf.memory().numBytes - before);
    return next();
  };
  await estimatedPrior(channel, released, zipf, watching, 0);
  channel.dispose();
  // Of some 900 outputs: the likelihoods of one tile, and little beside.
  assert.ok(mostBytes < 2 * 4 * 1000 * TILE_ROWS, `${mostBytes} bytes`);
});

test('estimating the prior ends by its signal', async () => {
  const channel = await channelOf();
  const turns = new Turns(AbortSignal.abort(new Error('cancelled')));
  await assert.rejects(estimatedPrior(channel, releasedFrom(zipf, 100), zipf, turns), /cancelled/);
  channel.dispose();
});
