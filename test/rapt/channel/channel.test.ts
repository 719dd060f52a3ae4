import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Channel, zipfPrior, type ChannelOptions } from '../../../rapt/channel/index.ts';
import { distanceOf } from '../../../rapt/privacy/index.ts';
import { computeTotals } from '../../../rapt/privacy/totals.ts';
import { Turns } from '../../../rapt/turns.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { randomTable, range } from '../privacy/embedding-tables.ts';

process.env['RAPT_CACHE'] = temporaryFolder();
const ROWS = 1500;
const ETA = 12;
const table = randomTable(ROWS, 16);
const outputIds = range(7, ROWS);

const channelOf = (options: Partial<ChannelOptions> = {}): Promise<Channel> =>
  Channel.create({
    mechanism: 'exponential',
    eta: ETA,
    table,
    outputIds,
    prior: zipfPrior(ROWS, outputIds),
    ...options,
  });

/** log P(y|x) of the exponential mechanism, term by term. */
function logLikelihood(y: number, x: number): number {
  const weight = (output: number): number => Math.exp((-ETA / 2) * distanceOf(table, x, output));
  const total = outputIds.reduce((sum, output) => sum + weight(output), 0);
  return Math.log(weight(y)) - Math.log(total);
}

test('the channel is the mechanism, term by term', async () => {
  const channel = await channelOf();
  const [tile] = [...channel.tiles.inTurn()];
  const likelihood = channel.logLikelihood(Int32Array.of(17, 90), tile!);
  const values = likelihood.dataSync();
  likelihood.dispose();
  for (const [row, y] of [17, 90].entries())
    for (const x of [0, 17, 63, 199])
      assert.ok(Math.abs(values[row * ROWS + x]! - logLikelihood(y, x)) < 5e-3, 'single precision');
  channel.dispose();
});

test('its totals are those of the pass behind the guarantee', async () => {
  const channel = await channelOf();
  const { logTotals, logPeak } = await computeTotals(ETA, table, outputIds, { turns: new Turns() });
  for (const x of [0, 7, 100, 1499]) {
    const own = channel.logLikelihoodOf(x, x);
    assert.ok(Math.abs(own + logTotals[x]! - logPeak) < 0.02, `token ${x}`);
  }
  channel.dispose();
});

test('making the channel ends by its signal', async () => {
  const turns = new Turns(AbortSignal.abort(new Error('cancelled')));
  await assert.rejects(channelOf({ mechanism: 'laplace', turns }), /cancelled/);
});
