/** A run is graded once: what was told is what is told. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { ErrorKind, RaptError, tuningConfigSchema, type AuditResult } from '../../../contracts/index.ts';
import {
  gradeOnce,
  judgedValues,
  releasedAudit,
  releasedGates,
  toldUnchanged,
  type GradeOptions,
} from '../../../rapt/client/index.ts';
import { checkGates } from '../../../rapt/evaluation/index.ts';
import { seededRandom } from '../../../rapt/privacy/index.ts';
import { readLocalLabels } from '../../../rapt/release/index.ts';
import { makeFolder } from '../../../system/index.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { smallReport } from '../../support/reports.ts';
import { drawFake } from '../release/fakes.ts';

const home = temporaryFolder();
let rows: Int32Array;
let labels: Int32Array;
let folders = 0;

async function release(name: string, labelEpsilon?: number): Promise<string> {
  const table = join(home, `${name}.csv`);
  writeFileSync(table, `text,label\n${Array.from({ length: 300 }, (_, row) => `w${row},${row % 2}`).join('\n')}\n`);
  const config = tuningConfigSchema.parse({ data: { train: table }, privacy: { mechanism: 'none', labelEpsilon } });
  const folder = join(home, name);
  await drawFake(config, folder);
  return folder;
}
before(async () => {
  await release('plain');
  // Little of the figure is left, so that two draws differ.
  await release('protected', 0.02);
  ({ rows, labels } = await readLocalLabels(join(home, 'plain')));
  assert.ok(rows.length >= 40, `${rows.length} test rows`);
});

/** A run that was not graded yet. */
const asking = (of: string, options: Partial<GradeOptions> = {}): GradeOptions => {
  const runFolder = join(home, `run-${folders++}`);
  makeFolder(runFolder);
  return {
    runFolder,
    releaseFolder: join(home, of),
    run: 'nightly',
    localKey: of,
    predictions: { rows, predicted: labels },
    tellLabels: () => Promise.resolve(true),
    ...options,
  };
};
const other = (predicted: Int32Array): Int32Array => predicted.map((value, at) => (at === 0 ? 1 - value : value));

test('the same answers get the same bytes, and other answers none: another run is the way out', async () => {
  const options = asking('plain');
  const first = await gradeOnce(options);
  assert.deepEqual([first.own.accuracy, first.told.accuracy.value], [1, 1]);
  const bytes = readFileSync(join(options.runFolder, 'scored.json'), 'utf8');
  assert.deepEqual(await gradeOnce(options), first);
  // In another order, they are the same answers.
  assert.deepEqual(
    await gradeOnce({ ...options, predictions: { rows: rows.toReversed(), predicted: labels.toReversed() } }),
    first,
  );
  const refused = (change: Partial<GradeOptions>): Promise<void> =>
    assert.rejects(
      gradeOnce({ ...options, ...change }),
      (error: unknown) =>
        error instanceof RaptError &&
        error.kind === ErrorKind.badInput &&
        /^run nightly was graded already, by .*; start a run under another id$/.test(error.message),
    );
  await refused({ predictions: { rows, predicted: other(labels) } });
  await refused({ releaseFolder: join(home, 'protected'), localKey: 'protected' });
  assert.equal(readFileSync(join(options.runFolder, 'scored.json'), 'utf8'), bytes);
});

test('noise is drawn once for a run, whoever asks at once or again; paid for by run, and not told unpaid', async () => {
  const { rows: hidden, labels: truths } = await readLocalLabels(join(home, 'protected'));
  const predictions = { rows: hidden, predicted: truths };
  const asked: string[] = [];
  const tellLabels: GradeOptions['tellLabels'] = (what) => Promise.resolve(asked.push(JSON.stringify(what)) > 0);
  const told = new Set<number | null>();
  for (let run = 0; run < 30; run++) {
    const options = asking('protected', { predictions, tellLabels });
    const both = await Promise.all([gradeOnce(options), gradeOnce(options)]);
    assert.deepEqual(both[0], both[1]);
    assert.deepEqual(await gradeOnce({ ...options, random: seededRandom(run) }), both[0]);
    assert.deepEqual(both[0].told.f1, { value: null, reason: 'not told: labels are protected (privacy.labelEpsilon)' });
    told.add(both[0].told.accuracy.value);
    assert.equal(both[0].own.accuracy, 1);
  }
  assert.ok(told.size > 1 && asked.every((one) => one === '{"localKey":"protected","run":"nightly","epsilon":0.02}'));
  const unpaid = await gradeOnce(asking('protected', { predictions, tellLabels: () => Promise.resolve(false) }));
  assert.deepEqual(unpaid.told.accuracy, {
    value: null,
    reason: 'not told: the label budget has no epsilon of 0.02 left',
  });
});

test('a kill before the figure is stored leaves nothing that was told, and no half of a file', async () => {
  const options = asking('plain');
  await assert.rejects(gradeOnce({ ...options, predictions: { rows: [], predicted: [] } }), RaptError);
  assert.deepEqual(readdirSync(options.runFolder), []);
});

test('nothing of attributes leaves, not even whether their gate is met; the owner has it', () => {
  const audit: AuditResult = {
    ...smallReport.audit!,
    texts: 800,
    tokens: 20_000,
    attributes: [{ ...smallReport.audit!.attributes[0]!, n: 240 }],
  };
  const told = releasedAudit(audit);
  assert.ok(!('attributes' in told));
  assert.equal(told.attacks[0]!.success!.value, 0.52);
  const test = { accuracy: 0.66, f1: null, n: 200, reconstruction: null };
  const gates = checkGates(
    { 'attribute.age': '<=0.5', accuracy: '>=0.6' },
    judgedValues({ test, unchangedRate: 0.5, audit: told }, audit.attributes),
  );
  assert.deepEqual(
    gates.map(({ passed }) => passed),
    [true, true],
  );
  assert.deepEqual(releasedGates(gates), [
    { gate: 'attribute.age<=0.5', value: null, passed: null },
    { gate: 'accuracy>=0.6', value: 0.66, passed: true, bound: 0.6 },
  ]);
});

test('an attack on one text, and the share of a small release, are not told', () => {
  const one = releasedAudit({ ...smallReport.audit!, texts: 1, tokens: 900 });
  assert.deepEqual(
    one.attacks.map(({ success, priorOnly }) => [success, priorOnly]),
    [[null, null]],
  );
  assert.deepEqual(
    [
      toldUnchanged(0.5, { texts: 19, tokens: 10_000 }),
      toldUnchanged(0.5, { texts: 1000, tokens: 499 }),
      toldUnchanged(0.4987, { texts: 1000, tokens: 10_000 }),
    ],
    [null, null, 0.5],
  );
});
