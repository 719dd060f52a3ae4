/** The sampler of large vocabularies: its draws, and the tables that it leaves for later attempts. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { seededRandom, type RandomSource } from '../../../rapt/privacy/index.ts';
import { ExponentialSampler } from '../../../rapt/privacy/exponential.ts';
import { OutputGeometry } from '../../../rapt/privacy/geometry.ts';
import { dropKeptTables, KeptTables } from '../../../rapt/privacy/kept-tables.ts';
import { LargeExponentialSampler } from '../../../rapt/privacy/large-exponential.ts';
import { atOnce } from '../../../rapt/turns.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { chiSquare, chiSquareLimit } from './statistics.ts';
import { randomTable, range } from './embedding-tables.ts';

const table = randomTable(300, 8);
const outputIds = range(5, 300);
const geometry = new OutputGeometry(table, outputIds);
const ETA = 9;
const samplerOf = (random: RandomSource = seededRandom(1), eta = ETA): LargeExponentialSampler =>
  new LargeExponentialSampler(eta, geometry, random);
const privatize = (sampler: LargeExponentialSampler, ids: Int32Array): Int32Array => atOnce(sampler.privatizing(ids));

/** P(y|x) by the weights themselves. */
function probabilities(sampler: LargeExponentialSampler, id: number): Float64Array {
  const weights = Array.from(outputIds, (_, output) => sampler.weight(id, output));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Float64Array.from(weights, (weight) => weight / total);
}

function statisticOf(sampler: LargeExponentialSampler, id: number): { statistic: number; degrees: number } {
  const counts = new Float64Array(outputIds.length);
  for (const answer of privatize(sampler, new Int32Array(50_000).fill(id))) counts[answer - 5]!++;
  return chiSquare(counts, probabilities(samplerOf(), id));
}

describe('draws by rejection', () => {
  it('are as likely as their weights say, for an output and for any other token', () => {
    for (const id of [2, 7, 150]) {
      const { statistic, degrees } = statisticOf(samplerOf(seededRandom(id)), id);
      assert.ok(statistic < chiSquareLimit(degrees), `token ${id}: ${statistic} of ${degrees}`);
    }
  });

  it('have the same distribution when the bounds are far too large, and only need more rounds', () => {
    const sampler = samplerOf(seededRandom(3));
    const kept = atOnce(KeptTables.open(temporaryFolder(), 'loose', sampler.blocks));
    kept.append(Int32Array.of(7), [sampler.bounds(7).map((bound, block) => bound * (block % 2 === 0 ? 1 : 8))]);
    sampler.keepIn(kept);
    const { statistic, degrees } = statisticOf(sampler, 7);
    assert.ok(statistic < chiSquareLimit(degrees), `${statistic} of ${degrees}`);
    assert.ok(sampler.rejected > 10_000, `${sampler.rejected} rejected`);
    assert.equal(sampler.tablesMade, 1);
  });

  it('would be noticed if they had the weights of another eta', () => {
    const { statistic, degrees } = statisticOf(samplerOf(seededRandom(3), 1.1 * ETA), 7);
    assert.ok(statistic > chiSquareLimit(degrees), `${statistic} of ${degrees}`);
  });

  it('are refused when a table is not a bound', () => {
    const sampler = samplerOf();
    const kept = atOnce(KeptTables.open(temporaryFolder(), 'small', sampler.blocks));
    kept.append(Int32Array.of(7), [sampler.bounds(7).map((bound) => Math.floor(bound / 2))]);
    sampler.keepIn(kept);
    assert.throws(() => privatize(sampler, new Int32Array(1000).fill(7)), /not a bound/);
  });

  it('have the distribution that a table of all levels has', () => {
    const whole = new ExponentialSampler(ETA, geometry, seededRandom(1));
    for (const id of [2, 7, 150]) {
      const expected = whole.probabilities(id);
      probabilities(samplerOf(), id).forEach((p, at) =>
        assert.ok(Math.abs(Math.log(p / expected[at]!)) <= whole.numericalSlack / 2, `${id}, ${at}`),
      );
    }
  });
});

describe('tables that are kept', () => {
  const ids = Int32Array.from({ length: 500 }, (_, at) => (at * 37) % 290);

  it('are read by a later attempt, which draws the same with them', () => {
    const folder = join(temporaryFolder(), 'tables');
    const first = samplerOf();
    atOnce(first.keepingTables(folder));
    const drawn = privatize(first, ids);
    assert.equal(first.tablesMade, 290);
    first.close();
    const second = samplerOf();
    atOnce(second.keepingTables(folder));
    // Those that are there are answered first: here all of them, in their order, as it was when all were made.
    assert.deepEqual(privatize(second, ids), drawn);
    assert.equal(second.tablesMade, 0);
    second.close();
  });

  it('take a tenth of what is free, and give it back while they are read', () => {
    const folder = temporaryFolder();
    const bytes = 4 + 32 + 4 * 3;
    const kept = atOnce(KeptTables.open(folder, 'tight', 3, () => 10 * bytes - size()));
    const size = (): number => readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
    kept.append(Int32Array.of(7), [Float32Array.of(1, 2, 3)]);
    kept.append(Int32Array.of(8), [Float32Array.of(4, 5, 6)]);
    assert.deepEqual([size(), kept.read(7), kept.read(8)], [bytes, Float32Array.of(1, 2, 3), null]);
    assert.ok(dropKeptTables(folder));
    assert.deepEqual([readdirSync(folder), kept.read(7)], [[], null]);
    assert.ok(!dropKeptTables(folder));
    kept.close();
  });

  it('can be read by their owner only', () => {
    const folder = join(temporaryFolder(), 'tables');
    const sampler = samplerOf();
    atOnce(sampler.keepingTables(folder));
    privatize(sampler, ids);
    sampler.close();
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    const files = readdirSync(folder);
    assert.equal(files.length, 1);
    for (const file of files) assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600);
  });

  it('of another eta, another table or other outputs are not taken', () => {
    const folder = temporaryFolder();
    const sampler = samplerOf();
    atOnce(sampler.keepingTables(folder));
    privatize(sampler, ids);
    sampler.close();
    const other = { ...table, sha256: 'a'.repeat(64) };
    for (const another of [
      samplerOf(seededRandom(1), ETA + 1),
      new LargeExponentialSampler(ETA, new OutputGeometry(other, outputIds), seededRandom(1)),
      new LargeExponentialSampler(ETA, new OutputGeometry(table, range(6, 300)), seededRandom(1)),
    ]) {
      atOnce(another.keepingTables(folder));
      privatize(another, Int32Array.of(7));
      assert.equal(another.tablesMade, 1);
      another.close();
    }
  });

  it('are made again when they were damaged, or cut short by a kill', () => {
    const folder = temporaryFolder();
    const first = samplerOf();
    atOnce(first.keepingTables(folder));
    const drawn = privatize(first, Int32Array.of(7, 8, 9));
    first.close();
    const path = join(folder, readdirSync(folder)[0]!);
    const bytes = readFileSync(path);
    const record = bytes.length / 3;
    // A bit of the second table, and the third without its end.
    bytes[record + 50]! ^= 1;
    writeFileSync(path, bytes.subarray(0, bytes.length - 1));
    const second = samplerOf();
    atOnce(second.keepingTables(folder));
    assert.equal(privatize(second, Int32Array.of(7, 8, 9)).length, drawn.length);
    assert.equal(second.tablesMade, 2);
    second.close();
  });

  it('count only for their own token', () => {
    const folder = temporaryFolder();
    const first = samplerOf();
    atOnce(first.keepingTables(folder));
    privatize(first, Int32Array.of(7));
    first.close();
    const path = join(folder, readdirSync(folder)[0]!);
    writeFileSync(path, Buffer.concat([Buffer.from(Int32Array.of(9).buffer), readFileSync(path).subarray(4)]));
    const second = samplerOf();
    atOnce(second.keepingTables(folder));
    privatize(second, Int32Array.of(9));
    assert.equal(second.tablesMade, 1);
    second.close();
  });
});
