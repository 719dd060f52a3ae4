/** Texts of which the tokenizer makes nothing: rows all the same, with a noisy text that is as empty. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { openBackbone, type PublicBackbone } from '../../../rapt/backbone/index.ts';
import { attack, privatize } from '../../../rapt/client/index.ts';
import { openPredictor, tune } from '../../../rapt/local/index.ts';
import { createMechanism } from '../../../rapt/privacy/index.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { writeTinyModel } from '../../support/tiny-model.ts';

const folder = temporaryFolder();
const home = join(folder, 'home');
const model = writeTinyModel(join(folder, 'tiny'));
const UNSEEN = ['\u200b', '\ufffd', '\u200d\ufeff'];
let backbone: PublicBackbone;

before(async () => {
  backbone = await openBackbone(model);
});

const table = (name: string, rows: readonly string[]): string => {
  const path = join(folder, name);
  writeFileSync(path, `text,label\n${rows.map((text, row) => `"${text}",${row % 2 === 0 ? 'a' : 'b'}\n`).join('')}`);
  return path;
};

for (const name of ['exponential', 'laplace'] as const)
  test(`a table with such texts is privatized by the ${name} mechanism, and one of nothing else too`, async () => {
    const mechanism = createMechanism({ name, eta: 14, ...backbone });
    const input = table(`mixed-${name}.csv`, ['w5 w6', ...UNSEEN, 'w7']);
    const output = join(folder, `${name}.jsonl`);
    const { rows, tokens } = await privatize({ input, output, backbone, mechanism, home });
    assert.deepEqual([rows, tokens], [5, 3]);
    const lines = readFileSync(output, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { text: string; input_ids: number[] });
    assert.deepEqual(
      lines.map(({ input_ids: ids }) => ids.length),
      [2, 0, 0, 0, 1],
    );
    assert.deepEqual(
      lines.slice(1, 4).map(({ text }) => text),
      ['', '', ''],
    );
    assert.ok((await attack({ input, released: output, backbone, mechanism: { name, eta: 14 } })).attacks.length > 0);
    for (const released of [`${output}.none`, folder])
      await assert.rejects(
        attack({ input, released, backbone, mechanism: { name, eta: 14 } }),
        /none: does not exist; name what|: is a folder, and a file is needed$/,
      );

    const csv = join(folder, `${name}.csv`);
    const nothing = await privatize({
      input: table(`nothing-${name}.csv`, UNSEEN),
      output: csv,
      backbone,
      mechanism,
      home,
    });
    assert.deepEqual([nothing.rows, nothing.tokens, nothing.unchangedRate], [3, 0, 0]);
    assert.equal(readFileSync(csv, 'utf8'), 'row,text\r\n0,\r\n1,\r\n2,\r\n');
    mechanism.dispose();
  });

test('a tuning takes them as rows without a word, and answers them', async () => {
  const train = table(
    'train.csv',
    Array.from({ length: 24 }, (_, row) => (row < 6 ? UNSEEN[row % 3]! : `w${5 + (row % 2) * 20} w${9 + row}`)),
  );
  const adapter = join(folder, 'adapter');
  const { metrics, privacy } = await tune(
    { data: { train }, backbone: model, tuning: { epochs: 1, batchSize: 4, length: 4 } },
    { adapter, home },
  );
  assert.ok(metrics.test.n > 0 && privacy.unchangedRate >= 0);
  const predictor = await openPredictor(adapter, { backbone: model });
  assert.equal(predictor.predict(['w5', ...UNSEEN]).length, 4);
  predictor.dispose();
});
