/** What `rapt ledger` tells of labels and of texts that are nearly alike. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { clientSecret, Ledger, limitsOf, TextCollector } from '../../rapt/ledger/index.ts';
import { temporaryFolder } from '../support/folder.ts';

const home = temporaryFolder();
const tenant = join(home, 'client', 'local');
const program = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const rapt = async (...words: string[]): Promise<string> =>
  (
    await promisify(execFile)(process.execPath, ['--import', 'tsx', program, 'ledger', ...words], {
      env: { ...process.env, RAPT_HOME: home, NO_COLOR: '1' },
    })
  ).stdout;

test('labels are limited, shown and exported, with what was told about them', { timeout: 120_000 }, async () => {
  const ledger = new Ledger(tenant);
  const collector = new TextCollector(await clientSecret(tenant));
  for (const text of ['one', 'two']) collector.add(text);
  const digests = collector.finish();
  const common = {
    localKey: 'a',
    tenant: 'local',
    run: 'first',
    purpose: 'tuning',
    mechanism: 'exponential',
    eta: 14,
    table: 'f',
    limits: limitsOf(),
  } as const;
  await ledger.reserve({
    ...common,
    labelEpsilon: 1,
    labels: 'drawn',
    texts: () => Promise.resolve({ digests, alike: 7 }),
  });
  await ledger.tellLabels({ localKey: 'a', run: 'first', epsilon: 0.5, limits: limitsOf() });
  await ledger.reserve({
    ...common,
    localKey: 'b',
    labelEpsilon: null,
    labels: 'none',
    purpose: 'prediction',
    texts: () => Promise.resolve({ digests }),
  });

  writeFileSync(join(home, 'table.csv'), 'text\none\nthree\n');
  const file = join(home, 'ledger.csv');
  const [set, shown, text, rows] = await Promise.all([
    rapt('budget', '--labels', '3', '--per-text', '28'),
    rapt(),
    rapt('--text', 'one', '--json'),
    rapt('--in', join(home, 'table.csv')),
    rapt('export', file),
  ]);
  assert.match(set, /the label of a text +epsilon 3\n/);
  assert.match(shown, /eta +labels +texts +state\n/);
  assert.match(shown, /a +.* 14 +epsilon 1, 0\.5 told +2, up to 7 alike +reserved, has not left\n/);
  assert.match(shown, /b +.* 14 +- +2 +reserved/);
  const { spent, spentOnLabel } = JSON.parse(text) as { spent: number; spentOnLabel: number };
  assert.deepEqual([spent, spentOnLabel], [28, 1.5]);
  assert.equal(rows, 'row,spent,spentOnLabel\n0,28,1.5\n1,0,0\n');
  const [head = '', first = ''] = readFileSync(file, 'utf8').split('\r\n');
  assert.match(head, /,eta,labels,labelEpsilon,labelEpsilonTold,table,/);
  assert.match(first, /^[0-9a-f]{16},1,a,first,tuning,exponential,14,drawn,1,0\.5,f,/);
  assert.match(await rapt('--json'), /"labels": ?3/);
  assert.doesNotMatch(await rapt('budget', '--labels', 'none', '--json'), /"labels"/);
  await assert.rejects(rapt('budget', '--labels', '0'), /--labels: must be a positive number or "none", not "0"/);
});
