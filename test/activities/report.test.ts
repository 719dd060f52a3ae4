/** The report's activity on a real store: whatever is killed between its steps, and whatever else happens meanwhile, a
 *  run's report is the same bytes. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { report } from '../../activities/client/report.ts';
import { register } from '../../activities/client/register.ts';
import { readRunRecord, writeRunRecord } from '../../activities/client/records/run-record.ts';
import { score } from '../../activities/client/score.ts';
import { gradeOnce, openReport } from '../../rapt/client/index.ts';
import { releaseFolder, runFolder, tenantFolder } from '../../rapt/home.ts';
import { clientSecret } from '../../rapt/ledger/index.ts';
import {
  ErrorKind,
  keys,
  RaptError,
  tuningConfigSchema,
  type ClientActivities,
  type ReportData,
  type StoredCheckpoint,
} from '../../contracts/index.ts';
import { readLocalLabels } from '../../rapt/release/index.ts';
import { drawFake } from '../rapt/release/fakes.ts';
import { temporaryFolder } from '../support/folder.ts';
import { minioOfFile } from '../support/minio.ts';
import { smallReport } from '../support/reports.ts';
import { tuned } from '../support/results.ts';

const home = temporaryFolder();
const { store } = await minioOfFile();
const FILES = ['report.html', 'report.json', 'report.md'];
const STORED = ['index.html.sealed', 'report.json.sealed', 'report.md.sealed'];

/** A table, and its release. */
const released = (async () => {
  const table = join(home, 'Patienten Nord.csv');
  writeFileSync(
    table,
    `text,label\n${Array.from({ length: 200 }, (_, row) => `w${row} w${row + 1},${row % 3}`).join('\n')}\n`,
  );
  const config = tuningConfigSchema.parse({
    data: { train: table },
    privacy: { mechanism: 'none' },
    gates: { accuracy: '>=0.1' },
  });
  const folder = releaseFolder(home, 'local', 'key');
  const drawn = await drawFake(config, folder);
  return { config, drawn, folder, labels: await readLocalLabels(folder) };
})();

/** These labels are not protected. */
const unasked = (): never => assert.fail('nothing is to be paid for');

/** Grades a run by answers of which two in three are right. */
async function graded(run: string): Promise<void> {
  const {
    folder,
    labels: { rows, labels },
  } = await released;
  const predictions = { rows, predicted: labels.map((label, at) => (at % 3 === 0 ? (label + 1) % 3 : label)) };
  await gradeOnce({
    runFolder: runFolder(home, 'local', run),
    releaseFolder: folder,
    run,
    localKey: 'key',
    predictions,
    tellLabels: unasked,
  });
}

test(
  'an attempt after a killed one makes the same bytes though other runs have ended, which a run told anew shows',
  { timeout: 400_000 },
  async () => {
    const { config, drawn } = await released;
    await graded('nightly');
    const { adapter, release, metrics, audit, gates, history, timing } = smallReport;
    const request: Parameters<ClientActivities['report']>[0] = {
      run: 'nightly',
      config,
      localKey: 'key',
      adapter,
      release,
      metrics,
      audit,
      gates,
      history,
      timing,
      resumed: null,
    };

    const own = runFolder(home, 'local', 'nightly');
    const onDisk = (): string[] => FILES.map((file) => readFileSync(join(own, file), 'utf8'));
    const secret = await clientSecret(tenantFolder(home, 'local'));
    const sealed: string[] = [];
    const inStore = (): Promise<string[]> =>
      Promise.all(
        STORED.map(async (file) => {
          const key = `${keys.reportPrefix('local', 'nightly')}${file}`;
          const { body } = (await store.read(key))!;
          sealed.push(body.toString('base64'));
          return openReport(secret, key, body).toString('utf8');
        }),
      );
    const made = await report({ store, home }, request);
    const first = onDisk();
    assert.deepEqual(await inStore(), first);
    assert.equal(made.path, undefined, 'no path of this machine leaves');
    assert.deepEqual(
      [made.artifact, ...Object.values(made.files ?? {})].map(({ key }) => key).sort(),
      STORED.map((file) => `reports/local/nightly/${file}`),
    );
    for (const content of first) assert.doesNotMatch(content, /Patienten|rapt-test-/, 'no file or folder is named');

    const guarantee = { ...tuned.privacy.guarantee, table: drawn.manifest.guarantee.table };
    await writeRunRecord(home, 'local', 'between', {
      config,
      adapter,
      result: { ...tuned, workflowId: 'between', privacy: { ...tuned.privacy, guarantee } },
    });
    // As a kill leaves it: before the first file, between two, and with all but the record in the store.
    for (const lost of [FILES, ['report.md'], []]) {
      for (const file of lost) rmSync(join(own, file));
      const again = await report({ store, home }, request);
      assert.deepEqual(again, made);
      assert.deepEqual(onDisk(), first);
      assert.deepEqual(await inStore(), first);
    }
    assert.deepEqual(
      readdirSync(own).filter((name) => name.endsWith('.part')),
      [],
    );
    assert.equal(new Set(sealed).size, STORED.length, 'the sealed bytes are the same each time');

    await report({ store, home }, { ...request, timing: { ...timing, train: 13 } });
    const later = JSON.parse(onDisk()[1]!) as ReportData;
    assert.deepEqual(
      later.others.map(({ run, sameData }) => [run, sameData]),
      [['between', true]],
    );
    assert.notDeepEqual(onDisk(), first);
  },
);

test(
  'what comes back from the provider is not what the owner keeps: their record and the stored result have their own',
  { timeout: 400_000 },
  async () => {
    const {
      config,
      drawn,
      labels: { rows, labels },
    } = await released;
    await graded('forged');
    const { adapter, release, history, timing } = smallReport;
    const forged = { accuracy: 1, f1: 1, n: 1500, majorityRate: 0.1, confusion: [[1]], reconstruction: null };
    const context = { run: 'forged', config };
    const request: Parameters<ClientActivities['report']>[0] = {
      ...context,
      localKey: 'elsewhere',
      adapter,
      release,
      metrics: forged,
      audit: null,
      gates: tuned.gates,
      history,
      timing,
      resumed: null,
    };
    const { artifact } = await report({ store, home }, request);
    const data = JSON.parse(
      readFileSync(join(runFolder(home, 'local', 'forged'), 'report.json'), 'utf8'),
    ) as ReportData;
    assert.deepEqual([data.metrics.n, data.gates.map(({ gate }) => gate)], [labels.length, ['accuracy>=0.1']]);

    const files = { 'weights.safetensors': artifact, 'optimizer.safetensors': artifact, 'state.json': artifact };
    const checkpoint: StoredCheckpoint = { step: 3, trainingDigest: drawn.digest, loss: 1, files };
    const result = {
      ...tuned,
      metrics: { test: forged },
      gates: tuned.gates.map((gate) => ({ ...gate, passed: true })),
    };
    await register(
      { store, home },
      {
        ...context,
        adapter,
        checkpoint,
        release,
        predictions: artifact,
        report: artifact,
        code: { workflow: null, gpu: 'gpu' },
        result,
      },
    );
    const {
      metrics,
      gates,
      privacy,
      report: { path },
    } = readRunRecord(home, 'local', 'forged').result;
    assert.equal(
      metrics.test.confusion.flat().reduce((sum, count) => sum + count, 0),
      labels.length,
    );
    const exact = metrics.test.accuracy;
    assert.ok(exact > 0.6 && exact < 0.7);
    assert.deepEqual(
      [gates.map(({ gate, passed }) => [gate, passed]), privacy.mechanism, path],
      [[['accuracy>=0.1', true]], 'none', join(runFolder(home, 'local', 'forged'), 'report.html')],
    );

    const stored = JSON.parse(
      (await store.read(keys.runResult('local', 'forged')))!.body.toString('utf8'),
    ) as typeof tuned;
    assert.deepEqual(Object.keys(stored.metrics.test).sort(), ['accuracy', 'f1', 'n', 'reconstruction']);
    assert.ok(
      stored.metrics.test.accuracy !== exact && Math.abs(stored.metrics.test.accuracy - exact) <= 0.1,
      String(stored.metrics.test.accuracy),
    );
    assert.deepEqual(Object.keys(stored.report), ['uri']);

    const answers = Buffer.from(
      JSON.stringify({
        format: 'rapt-predictions/1',
        rows: [...rows],
        predicted: [...labels],
        probability: labels.length === 0 ? [] : Array.from(labels, () => 1),
      }),
    );
    const predictions = await store.put('runs/local/forged/predictions.json', answers);
    const local = {
      localKey: 'key',
      digest: drawn.digest,
      rows: drawn.manifest.rows,
      unchangedRate: 1,
      guarantee: drawn.manifest.guarantee,
      backboneSha256: drawn.manifest.backbone.sha256,
      reused: false,
    };
    await assert.rejects(
      score({ store, home }, { ...context, release: local, predictions, reconstruction: null }, unasked),
      (error: unknown) => error instanceof RaptError && error.kind === ErrorKind.badInput,
    );
    const fresh = await score(
      { store, home },
      { run: 'fresh', config, release: local, predictions, reconstruction: null },
      unasked,
    );
    assert.deepEqual(fresh.metrics.accuracy, 1);
    assert.deepEqual(fresh.gates, [{ gate: 'accuracy>=0.1', value: 1, passed: true, bound: 0.1 }]);
  },
);
