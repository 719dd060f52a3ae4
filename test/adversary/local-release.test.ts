/** A release of the library's `tune` leaves with the adapter that is made of it. Whoever loses its folder, takes its
 *  cost back or lets the table grow must not have a second noisy version of a text. */
import assert from 'node:assert/strict';
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tenantFolder } from '../../rapt/home.ts';
import { Ledger } from '../../rapt/ledger/index.ts';
import { tune } from '../../rapt/local/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const folder = temporaryFolder();
const backbone = writeTinyModel(join(folder, 'tiny'));

test('a release that was trained on has left: it is neither taken back nor drawn again', async () => {
  const own = join(folder, 'own');
  const table = join(folder, 'grows.csv');
  const rowOf = (row: number): string =>
    `w${5 + (row % 2) * 20 + (row % 9)} w${6 + (row % 2) * 20},${row % 2 === 0 ? 'a' : 'b'}\n`;
  writeFileSync(table, `text,label\n${Array.from({ length: 40 }, (_, row) => rowOf(row)).join('')}`);
  const input = { data: { train: table }, backbone, audit: false, tuning: { epochs: 1, batchSize: 16 } } as const;
  const ledger = new Ledger(tenantFolder(own, 'local'));
  const stop = new AbortController();
  const reason = new Error('enough');
  const stopped = tune(input, {
    adapter: join(folder, 'adapter'),
    home: own,
    signal: stop.signal,
    onStep: () => stop.abort(reason),
  });
  await assert.rejects(stopped, reason);
  const [first] = await ledger.releases();
  assert.match(String(first?.released?.digest), /^[0-9a-f]{64}$/, 'before the training begins');
  await assert.rejects(ledger.drop(first!.localKey), /left this machine at .*; what it cost cannot be taken back/);

  appendFileSync(table, [0, 1, 2, 3].map((row) => `w50 ${rowOf(row)}`).join(''));
  const grown = await tune(input, { adapter: join(folder, 'adapter'), home: own });
  assert.equal(grown.release.reused, false);
  const [, second] = await ledger.releases();
  assert.deepEqual([second?.takesOver, second?.texts], [[first!.localKey], 4]);

  rmSync(grown.release.folder, { recursive: true });
  await assert.rejects(
    tune(input, { adapter: join(folder, 'adapter'), home: own }),
    /these texts were released already, .*Restore that release's folder/,
  );
  assert.equal((await ledger.releases()).length, 2);
});
