/** The report's activity on a real store: whatever is killed between its steps, and whatever else happens meanwhile, a run's report is the same bytes. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { report } from '../../activities/client/report.ts';
import { writeRunRecord } from '../../activities/client/run-record.ts';
import { releaseFolder, runFolder } from '../../rapt/home.ts';
import { keys, tuningConfigSchema, type ClientActivities, type ReportData } from '../../contracts/index.ts';
import { inspectTables } from '../../rapt/data/index.ts';
import { drawRelease, hashInputs } from '../../rapt/release/index.ts';
import { backbone, identity, outputIds, tokenizer } from '../rapt/release/fakes.ts';
import { temporaryFolder } from '../support/folder.ts';
import { minioOfFile } from '../support/minio.ts';
import { smallReport } from '../support/reports.ts';
import { tuned } from '../support/results.ts';

const home = temporaryFolder();
const { store } = await minioOfFile();
const FILES = ['report.html', 'report.json', 'report.md'];
const STORED = ['index.html', 'report.json', 'report.md'];

test('an attempt after a killed one makes the same bytes, though other runs have ended meanwhile; a run that is told anew shows them', { timeout: 400_000 }, async () => {
  const table = join(home, 'Patienten Nord.csv');
  writeFileSync(table, `text,label\n${Array.from({ length: 60 }, (_, row) => `w${row} w${row + 1},${row % 3}`).join('\n')}\n`);
  const config = tuningConfigSchema.parse({ data: { train: table }, privacy: { mechanism: 'none' } });
  const inspection = await inspectTables(config.data);
  const folder = releaseFolder(home, 'local', 'key');
  const drawn = await drawRelease({ config, inspection, inputs: await hashInputs(inspection.tables), folder, tokenizer, mechanism: identity, outputIds, backbone, rowsPerShard: 64 });
  const { adapter, release, metrics, audit, gates, history, timing } = smallReport;
  const request: Parameters<ClientActivities['report']>[0] = { run: 'nightly', config, localKey: 'key', adapter, release, metrics, audit, gates, history, timing, resumed: null };

  const own = runFolder(home, 'local', 'nightly');
  const onDisk = (): string[] => FILES.map((file) => readFileSync(join(own, file), 'utf8'));
  const inStore = (): Promise<string[]> => Promise.all(STORED.map(async (file) => (await store.read(`${keys.reportPrefix('local', 'nightly')}${file}`))!.body.toString('utf8')));
  const made = await report({ store, home }, request);
  const first = onDisk();
  assert.deepEqual(await inStore(), first);
  assert.equal(made.path, join(own, 'report.html'));
  assert.deepEqual([made.artifact, ...Object.values(made.files ?? {})].map(({ key }) => key).sort(), STORED.map((file) => `reports/local/nightly/${file}`));
  for (const content of first) assert.doesNotMatch(content, /Patienten|rapt-test-/, 'no file or folder is named');

  const guarantee = { ...tuned.privacy.guarantee, table: drawn.manifest.guarantee.table };
  await writeRunRecord(home, 'local', 'between', { config, adapter, result: { ...tuned, workflowId: 'between', privacy: { ...tuned.privacy, guarantee } } });
  // As a kill leaves it: before the first file, between two, and with all but the record in the store.
  for (const lost of [FILES, ['report.md'], []]) {
    for (const file of lost) rmSync(join(own, file));
    const again = await report({ store, home }, request);
    assert.deepEqual(again, made);
    assert.deepEqual(onDisk(), first);
    assert.deepEqual(await inStore(), first);
  }
  assert.deepEqual(readdirSync(own).filter((name) => name.endsWith('.part')), []);

  await report({ store, home }, { ...request, timing: { ...timing, train: 13 } });
  const later = JSON.parse(onDisk()[1]!) as ReportData;
  assert.deepEqual(later.others.map(({ run, sameData }) => [run, sameData]), [['between', true]]);
  assert.notDeepEqual(onDisk(), first);
});
