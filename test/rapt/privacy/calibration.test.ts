import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { loadEmbeddingTable, loadTokenizer } from '../../../rapt/backbone/index.ts';
import { cacheFolder } from '../../../rapt/cache.ts';
import {
  calibrate,
  createMechanism,
  expectedUnchanged,
  explainGuarantee,
  outputVocabulary,
  type EmbeddingTable,
} from '../../../rapt/privacy/index.ts';
import { sized } from '../../support/size.ts';

const DRAWS = sized(500, 1500);

let table: EmbeddingTable;
let outputIds: Int32Array;
before(async () => {
  const folder = join(cacheFolder(), 'backbones', 'all-MiniLM-L6-v2');
  const tokenizer = await loadTokenizer(folder);
  table = loadEmbeddingTable(folder);
  outputIds = outputVocabulary(tokenizer.tokens, tokenizer.specialIds);
});

for (const [name, target] of [
  ['exponential', 0.2],
  ['exponential', 0.5],
  ['laplace', 0.3],
] as const)
  test(`${name}: the calibrated eta gives an unchanged rate of ${target} when it is drawn`, () => {
    const { eta, unchanged } = calibrate({ name, table, outputIds, targetUnchanged: target });
    assert.ok(Math.abs(unchanged - target) < 0.01, `expected ${unchanged}`);
    assert.equal(calibrate({ name, table, outputIds, targetUnchanged: target }).eta, eta, 'the same on every call');
    const mechanism = createMechanism({ name, eta, table, outputIds });
    // Tokens other than those that the calibration looked at; 4 standard deviations.
    const ids = Int32Array.from(
      { length: DRAWS },
      (_, i) => outputIds[Math.floor(((i + 0.25) * outputIds.length) / DRAWS)]!,
    );
    const answers = mechanism.privatize(ids);
    const rate = ids.filter((id, i) => id === answers[i]).length / ids.length;
    assert.ok(Math.abs(rate - target) < 4 * Math.sqrt(0.25 / DRAWS) + 0.02, `drawn ${rate}`);
    mechanism.dispose();
  });

test('a fifth of the eta: exponential keeps as many tokens at 14 as laplace at 75', () => {
  const exponential = expectedUnchanged({ name: 'exponential', table, outputIds, eta: 14 });
  const laplace = expectedUnchanged({ name: 'laplace', table, outputIds, eta: 75 });
  assert.ok(exponential > 0.42 && exponential < 0.54, String(exponential));
  assert.ok(laplace > 0.42 && laplace < 0.54, String(laplace));
});

test('a rate that no eta gives is refused with what can be reached', () => {
  assert.throws(
    () => calibrate({ name: 'exponential', table, outputIds, targetUnchanged: 1e-6 }),
    /targetUnchanged: 0.000001 cannot be reached/,
  );
});

test('the guarantee in words names eta, the mechanism, the table and what is not covered', () => {
  const mechanism = createMechanism({ name: 'exponential', eta: 14, table, outputIds });
  const words = explainGuarantee(mechanism.guarantee).join('\n');
  for (const part of [
    'eta = 14',
    'exponential',
    table.sha256.slice(0, 12),
    'Not covered',
    'training labels',
    'how many tokens',
  ])
    assert.ok(words.includes(part), part);
  assert.doesNotMatch(words, /anonymous|fully private|completely/i);
  mechanism.dispose();
});
