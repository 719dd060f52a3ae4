/** The whole run on the real servers, with the real backbone and real sentences. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Worker } from '@temporalio/worker';
import { Webhook } from 'standardwebhooks';
import { fileURLToPath } from 'node:url';
import type { PendingActivity } from '../support/pending-activity.ts';
import { toldShare } from '../../rapt/evaluation/index.ts';
import { openReport } from '../../rapt/client/index.ts';
import type { OwnResult, ReportData, RunProgress, TuningResult } from '../../contracts/index.ts';
import { searchAttributes } from '../../contracts/index.ts';
import { temporalBinary } from '../../infra/setup/index.ts';
import { childrenOf, eventually, Probe } from '../support/probe.ts';
import { runProgram, TestStack } from '../support/stack.ts';
import { COLUMNS, PLANTED, sentences, writeReviews } from './reviews.ts';

interface Up {
  readonly temporal: { readonly address: string; readonly uiUrl: string };
  readonly codecUrl: string;
  readonly components: readonly { readonly component: string; readonly running: boolean }[];
}
type Shown = RunProgress & { readonly workflowId: string; readonly status: string };

const ROWS = 360;
const BATCH = 8;
const stack = new TestStack();
const table = join(stack.home, 'Bewertungen Ärger.csv');
const config = join(stack.home, 'tuning.yaml');
let up: Up;
let probe: Probe;
let first: OwnResult;
let stepsPerEpoch = NaN;

const SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
const told: { readonly body: string; readonly headers: Record<string, string> }[] = [];
const receiver = createServer((request, response) => {
  void text(request).then((body) => {
    told.push({
      body,
      headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
    });
    response.writeHead(204).end();
  });
});

before(
  async () => {
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    process.env['RAPT_WEBHOOK_URL'] = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
    process.env['RAPT_WEBHOOK_SECRET'] = SECRET;
    up = await stack.json<Up>(['up']);
    probe = await Probe.connect(up.temporal.address, stack.dataConverter());
    writeReviews(table, ROWS);
    // JSON is YAML.
    writeFileSync(
      config,
      JSON.stringify({
        data: { train: table, textColumn: COLUMNS.text, labelColumn: COLUMNS.label, maxTokens: 32 },
        tuning: {
          epochs: 2,
          batchSize: BATCH,
          length: 8,
          checkpointEverySteps: 5,
          reconstruction: { plainTokens: 4, vocabularySize: 200, bottleneck: 16 },
        },
      }),
    );
  },
  { timeout: 400_000 },
);
after(
  async () => {
    receiver.close();
    receiver.closeAllConnections();
    await probe.close();
    await stack.remove();
  },
  { timeout: 400_000 },
);

/** Waits until a run has a checkpoint and is inside an epoch. */
const untilMidEpoch = (id: string): Promise<PendingActivity> =>
  probe.until(
    id,
    'train',
    ({ running, progress: { step = 0, checkpointStep } }) =>
      running && step >= 12 && Boolean(checkpointStep) && step % stepsPerEpoch !== 0,
  );

test(
  'a table of odd columns, three classes and awkward cells is tuned on, and one JSON object tells how it went',
  { timeout: 600_000 },
  async () => {
    const { code, stdout, stderr } = await stack.rapt(
      'run',
      '-f',
      config,
      '--id',
      'first',
      '--gate',
      'accuracy>=0.1',
      '--wait',
      '--json',
    );
    assert.equal(code, 0, stdout + stderr);
    first = JSON.parse(stdout) as OwnResult;
    const { n, accuracy, majorityRate, confusion, reconstruction } = first.metrics.test;
    assert.ok(n > 40 && n < 110, `${n} held-out rows of ${ROWS}`);
    stepsPerEpoch = Math.ceil((ROWS - n) / BATCH);
    assert.equal(confusion.length, 3);
    assert.equal(
      confusion.flat().reduce((sum, count) => sum + count, 0),
      n,
    );
    assert.ok(accuracy > 0.1 && majorityRate < 1);
    assert.equal(reconstruction?.n, 4 * n);
    assert.deepEqual(
      first.gates.map(({ gate, passed }) => [gate, passed]),
      [['accuracy>=0.1', true]],
    );
    assert.equal(first.privacy.guarantee.private, true);
    const attacked = Object.fromEntries(
      first.audit.attacks!.map(({ attack, success, priorOnly }) => [attack, { success, priorOnly }]),
    );
    for (const name of ['inversion', 'bayes', 'learned', 'context'])
      assert.ok(
        attacked[name]!.success.low > attacked[name]!.priorOnly.high,
        `${name} gets no more than prior knowledge`,
      );
    assert.ok(Math.abs(attacked['inversion']!.success.value - first.privacy.unchangedRate) < 0.05);
    assert.ok(
      first.privacy.unchangedRate > 0.3 && first.privacy.unchangedRate < 0.7,
      String(first.privacy.unchangedRate),
    );
    const page = readFileSync(first.report.path, 'utf8');
    for (const part of ['eta = 14', 'short', 'What attacks get', first.adapter.sha256, 'Not covered'])
      assert.ok(page.includes(part), `the report lacks ${part}`);
    assert.doesNotMatch(page, /<script|https?:\/\/(?!www\.w3\.org)/);
    assert.match(stderr, /step \d+ of \d+.*loss \d/);
  },
);

test(
  'the report is a page, Markdown and JSON, here and in the store, with this run on the frontier of its table',
  { timeout: 240_000 },
  async () => {
    const printed = async (format: string): Promise<string> =>
      (await stack.rapt('report', '--run', 'first', '--format', format)).stdout;
    const data = JSON.parse(await printed('json')) as ReportData;
    assert.deepEqual(
      [data.format, data.metrics, data.lineage.backbone, data.others],
      ['rapt-report/1', first.metrics.test, first.privacy.backboneSha256, []],
    );
    assert.equal(data.frontier.length, 7);
    assert.ok(
      data.frontier.every(
        ({ mechanism, bayes }, at) => mechanism === 'exponential' && bayes >= (data.frontier[at - 1]?.bayes ?? 0),
      ),
    );
    for (const [format, name] of [
      ['html', 'index.html'],
      ['json', 'report.json'],
      ['md', 'report.md'],
    ] as const) {
      const content = await printed(format);
      const key = `reports/local/first/${name}.sealed`;
      const { body } = (await stack.store().read(key))!;
      assert.ok(!body.includes('Accuracy') && !body.includes('accuracy'), 'the provider cannot read it');
      const secret = readFileSync(join(stack.home, 'client', 'local', 'release-key'));
      assert.equal(openReport(secret, key, body).toString('utf8').trimEnd(), content.trimEnd());
      assert.doesNotMatch(content, /Bewertungen/);
    }
    const { code, stdout } = await stack.rapt('verify', 'first', '--json');
    assert.equal(code, 0);
    for (const name of ['report.json', 'report.md'])
      assert.ok(stdout.includes(`reports/local/first/${name}.sealed`), stdout);
    assert.equal((await stack.rapt('report', '--run', 'first', '--format', 'pdf')).code, 2);
  },
);

test(
  'the provider is told rounded figures alone: by Temporal, in its attributes and in the store',
  { timeout: 240_000 },
  async () => {
    const { accuracy, n } = first.metrics.test;
    const handle = probe.client.workflow.getHandle('first');
    const told = (await handle.result()) as TuningResult;
    assert.deepEqual(told.metrics.test, {
      accuracy: toldShare(accuracy, n),
      f1: toldShare(first.metrics.test.f1, n),
      n,
      reconstruction: first.metrics.test.reconstruction,
    });
    assert.deepEqual([told.report.path, 'attributes' in told.audit], ['', false]);
    assert.deepEqual(
      told.gates.map(({ value }) => value),
      [told.metrics.test.accuracy],
    );
    assert.equal(
      (await handle.describe()).typedSearchAttributes.get(searchAttributes.accuracy),
      told.metrics.test.accuracy,
    );
    const stored = JSON.parse(
      (await stack.store().read('runs/local/first/result.json'))!.body.toString('utf8'),
    ) as TuningResult;
    assert.deepEqual([stored.metrics, stored.gates, stored.audit], [told.metrics, told.gates, told.audit]);
    const shown = await stack.json<Shown>(['show', 'first']);
    assert.equal(shown.accuracy, accuracy, 'the owner sees it exactly');
  },
);

test('a report that this machine has lost is opened from the store', { timeout: 240_000 }, async () => {
  const path = first.report.path;
  const content = readFileSync(path, 'utf8');
  renameSync(path, `${path}.away`);
  assert.equal((await stack.rapt('report', '--run', 'first', '--format', 'html')).stdout.trimEnd(), content.trimEnd());
  renameSync(`${path}.away`, path);
});

test('a webhook was told of every stage, signed, and of nothing else', () => {
  const states = told.map(
    ({ body, headers }) =>
      new Webhook(SECRET).verify(body, headers) as {
        data: { id: string; state: string; stage: string; link: string; report: string | null };
      },
  );
  const ofFirst = states.filter(({ data }) => data.id === 'first');
  assert.deepEqual(
    ofFirst.map(({ data }) => (data.state === 'stage' ? data.stage : data.state)),
    ['started', 'privatize', 'publish', 'train', 'predict', 'audit', 'score', 'report', 'register', 'finished'],
  );
  const { link, report } = ofFirst.at(-1)!.data;
  assert.equal(link, `${up.temporal.uiUrl}/namespaces/default/workflows/first/${first.runId}`);
  assert.equal(report, first.report.uri);
  for (const { body } of told)
    assert.doesNotMatch(body, new RegExp(`Bewertungen|${PLANTED}|${COLUMNS.text}|${COLUMNS.label}`));
});

test('the same id attaches to the run that exists', { timeout: 240_000 }, async () => {
  const again = await stack.json<TuningResult>([
    'run',
    '-f',
    config,
    '--id',
    'first',
    '--gate',
    'accuracy>=0.1',
    '--wait',
  ]);
  assert.equal(again.runId, first.runId);
});

test(
  'an equal run re-uses the release and ends with the same adapter, though its GPU worker is killed in mid-epoch',
  { timeout: 800_000 },
  async () => {
    const gpu = await stack.pidOf('gpu');
    await stack.rapt('run', '-f', config, '--id', 'killed', '--set', 'audit=false');
    const { progress } = await untilMidEpoch('killed');
    process.kill(gpu, 'SIGKILL');
    assert.equal((await stack.json<Shown>(['show', 'killed'])).status, 'running', `killed at step ${progress.step}`);
    await stack.json(['up']);
    const result = await stack.json<TuningResult>(['watch', 'killed']);
    assert.equal(result.release.sha256, first.release.sha256);
    assert.equal(result.release.reused, true);
    assert.match(result.resumed ?? '', /resumed at step \d+ of \d+/);
    assert.equal(result.adapter.sha256, first.adapter.sha256);
  },
);

test(
  'a cancelled run keeps its checkpoint, and its resumption ends with the same adapter',
  { timeout: 800_000 },
  async () => {
    const gpu = await stack.pidOf('gpu');
    await stack.rapt('run', '-f', config, '--id', 'stopped', '--set', 'audit=false');
    await untilMidEpoch('stopped');
    // On a slow machine the training would be over before the command has started.
    const [model] = childrenOf(gpu);
    process.kill(model!, 'SIGSTOP');
    const cancelling = stack.rapt('cancel', 'stopped');
    await eventually('the run is asked to end', 60_000, async () => {
      const { events } = await probe.client.workflow.getHandle('stopped').fetchHistory();
      return events!.some((event) => event.workflowExecutionCancelRequestedEventAttributes);
    });
    process.kill(model!, 'SIGCONT');
    const { code, stderr } = await cancelling;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /cancelled/);
    const resumed = await stack.json<TuningResult>(['resume', 'stopped', '--wait']);
    assert.equal(resumed.workflowId, 'stopped-r2');
    assert.match(resumed.resumed ?? '', /resumed at step [1-9]\d* of \d+ from run stopped/);
    assert.equal(resumed.adapter.sha256, first.adapter.sha256);
  },
);

test('a missed gate ends with code 3', { timeout: 600_000 }, async () => {
  const { code, stdout } = await stack.rapt(
    'run',
    '-f',
    config,
    '--set',
    'tuning.epochs=1',
    '--set',
    'audit=["bayes"]',
    '--gate',
    'bayes<=0.01',
    '--wait',
    '--json',
  );
  assert.equal(code, 3);
  assert.equal((JSON.parse(stdout) as TuningResult).gates[0]!.passed, false);
});

test('five errors are five lines with code 2, and nothing is started', { timeout: 240_000 }, async () => {
  const wrong = join(stack.home, 'wrong.json');
  writeFileSync(
    wrong,
    JSON.stringify({
      tenant: 'Not Good',
      data: { train: table, maxTokens: 0 },
      privacy: { eta: -1 },
      tuning: { epoch: 3 },
      gates: { accuracy: 'high' },
    }),
  );
  const { code, stdout, stderr } = await stack.rapt('run', '-f', wrong, '--id', 'wrong', '--wait');
  assert.equal(code, 2);
  assert.equal(stdout, '');
  const lines = stderr.trim().split('\n');
  assert.equal(lines.length, 5, stderr);
  for (const field of ['tenant', 'data.maxTokens', 'privacy.eta', 'tuning.epoch', 'gates.accuracy'])
    assert.ok(
      lines.some((line) => line.startsWith(`${field}:`)),
      `${field} is not named in\n${stderr}`,
    );
  assert.equal((await stack.rapt('show', 'wrong')).code, 2, 'a run was started');
});

test(
  'a row that cannot be used is named with its file, line and column, and not quoted',
  { timeout: 240_000 },
  async () => {
    const broken = join(stack.home, 'broken.csv');
    writeFileSync(broken, `text,label\r\ngood,a\r\n"two\nlines",b\r\nwithout a label,\r\n,${PLANTED} secret\r\n`);
    const { code, stderr } = await stack.rapt('run', '--set', `data.train=${broken}`, '--wait');
    assert.equal(code, 2);
    const [started, ...said] = stderr.trim().split('\n');
    assert.match(started!, /^started run /);
    // On a slow machine it also says where it is.
    const problems = said.filter((line) => !line.startsWith('validate: '));
    assert.equal(problems.length, 1, stderr);
    assert.match(problems[0]!, /broken\.csv, line 6 \(row 4\), column "text": is empty/);
    assert.doesNotMatch(stderr, /secret/);
  },
);

test(
  "Temporal's own command starts a run by its JSON input, and a wrong input fails it readably",
  { timeout: 600_000 },
  async () => {
    const env = { ...process.env, TEMPORAL_ADDRESS: up.temporal.address, TEMPORAL_CODEC_ENDPOINT: up.codecUrl };
    const start = (id: string, input: string) =>
      runProgram(
        temporalBinary(),
        [
          'workflow',
          'execute',
          '--type',
          'raptTuning',
          '--task-queue',
          'rapt',
          '--workflow-id',
          id,
          '--input',
          input,
          '-o',
          'json',
        ],
        env,
      );
    // Whoever starts it by other means than `rapt` on this machine has no word of the owner's but the policy.
    await stack.json(['policy', 'allow', '-f', config]);
    const good = await start('by-temporal', readFileSync(config, 'utf8'));
    assert.equal(good.code, 0, good.stderr);
    const shown = await stack.json<Shown>(['show', 'by-temporal']);
    assert.equal(shown.stage, 'done');
    const bad = await start('by-temporal-wrong', '{"tuning":{"epochs":0},"colour":"red"}');
    assert.notEqual(bad.code, 0);
    assert.match(bad.stdout + bad.stderr, /colour: is not a known field/);
    assert.match(bad.stdout + bad.stderr, /tuning\.epochs/);
  },
);

test(
  'predictions answer a table and a single text, with the accuracy that the run had on texts of the same kind',
  { timeout: 600_000 },
  async () => {
    const fresh = join(stack.home, 'new.jsonl');
    const answers = join(stack.home, 'answers.csv');
    const rows = sentences().slice(ROWS, ROWS + 120);
    writeFileSync(
      fresh,
      rows.map(({ text, label }) => JSON.stringify({ text, label: text.length < 70 ? 'short' : label })).join('\n'),
    );
    const asked = [
      'predict',
      '--run',
      'first',
      '--in',
      fresh,
      '--out',
      answers,
      '--text-column',
      'text',
      '--label-column',
      'label',
    ];
    const { rows: count, accuracy } = await stack.json<{ rows: number; accuracy: number }>(asked);
    assert.equal(count, rows.length);
    assert.equal(readFileSync(answers, 'utf8').trim().split('\r\n').length, rows.length + 1);
    const run = first.metrics.test;
    // Four standard deviations of the difference of two proportions.
    const deviation = Math.sqrt(0.25 / count + 0.25 / run.n);
    assert.ok(Math.abs(accuracy - run.accuracy) < 4 * deviation, `${accuracy} here, ${run.accuracy} in the run`);
    const one = await stack.json<{ prediction: string; probability: number }>([
      'predict',
      '--run',
      'first',
      '--text',
      `A ${PLANTED} film`,
    ]);
    assert.ok(['short', 'positive', 'negative'].includes(one.prediction));
  },
);

interface LedgerShown {
  readonly releases: readonly {
    readonly purpose: string;
    readonly run: string;
    readonly eta: number;
    readonly texts: number;
    readonly released: { readonly digest: string } | null;
  }[];
}

test(
  'the ledger tells each release once, predictions too, and a run that would exceed a budget draws nothing',
  { timeout: 400_000 },
  async () => {
    const ledger = async (): Promise<LedgerShown> => stack.json<LedgerShown>(['ledger']);
    const { releases } = await ledger();
    assert.deepEqual(
      releases
        .filter(({ purpose }) => purpose === 'tuning')
        .map(({ run, eta, released }) => [run, eta, released?.digest]),
      [['first', 14, first.release.sha256]],
    );
    assert.deepEqual(
      releases
        .filter(({ purpose }) => purpose === 'prediction')
        .map(({ texts }) => texts)
        .sort((a, b) => a - b),
      [1, 120],
    );
    const asked = ['run', '-f', config, '--set', 'privacy.eta=5', '--set', 'audit=false', '--wait'];
    const { code, stderr } = await stack.rapt(...asked, '--set', 'privacy.budget.perText=18');
    assert.equal(code, 2, stderr);
    assert.match(
      stderr,
      /of \d+ texts would exceed the budget of eta 18 for a text, set by the run \(privacy\.budget\.perText\): this release costs eta 5.*has left is eta 4; .*Nothing was drawn/,
    );
    await stack.rapt('ledger', 'budget', '--per-tenant', '40');
    assert.match(
      (await stack.rapt(...asked)).stderr,
      /costs eta \d+ of the tenant's budget of eta 40, set by this client/,
    );
    assert.equal((await ledger()).releases.length, releases.length);
    assert.equal(
      (await stack.rapt('run', '-f', config, '--set', 'tuning.epochs=1', '--set', 'audit=false', '--wait')).code,
      0,
      'a release that is there costs nothing',
    );
    await stack.rapt('ledger', 'budget', '--per-tenant', 'none');
  },
);

test('a release is attacked again from the command line', { timeout: 400_000 }, async () => {
  const { attacks } = await stack.json<{ attacks: { attack: string; success: { value: number } }[] }>([
    'audit',
    '--run',
    'first',
    '--attacks',
    'inversion,bayes',
  ]);
  for (const { attack, success } of attacks)
    assert.equal(success.value, first.audit.attacks!.find((one) => one.attack === attack)!.success.value, attack);
});

test('the adapter is exported as PEFT lays it out', { timeout: 240_000 }, async () => {
  const folder = join(stack.home, 'adapter');
  assert.equal((await stack.rapt('export', '--run', 'first', '--out', folder)).code, 0);
  assert.deepEqual(readdirSync(folder).sort(), [
    'adapter_config.json',
    'adapter_model.safetensors',
    'head.safetensors',
    'rapt.json',
  ]);
  assert.equal(
    (JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8')) as { peft_type: string }).peft_type,
    'PREFIX_TUNING',
  );
  assert.ok(!readFileSync(join(folder, 'head.safetensors')).includes('reconstruction'));
});

test('nothing of a text, and no path of a table, is on the provider side: not in the history, the object store, the logs, the GPU worker’s disk', () => {
  const found: string[] = [];
  const search = (path: string): void => {
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path)) search(join(path, name));
      return;
    }
    const bytes = readFileSync(path);
    for (const text of [PLANTED, PLANTED.toLowerCase(), 'dear reader', 'Bewertungen'])
      if (bytes.includes(text)) found.push(`${path}: ${text}`);
  };
  for (const part of ['stack', 'gpu']) search(join(stack.home, part));
  assert.deepEqual(found, []);
  assert.ok(readFileSync(table).includes(PLANTED), 'the search would find it');
  assert.ok(statSync(join(stack.home, 'stack', 'temporal.db')).size > 100_000);
});

test('the recorded histories replay, and a changed workflow does not', { timeout: 400_000 }, async () => {
  const options = {
    workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
    dataConverter: stack.dataConverter(),
  };
  for (const id of ['first', 'killed', 'stopped', 'stopped-r2', 'by-temporal-wrong']) {
    const history = await probe.client.workflow.getHandle(id).fetchHistory();
    await Worker.runReplayHistory(options, history, id);
    // Temporal refuses 2 MiB. Bytes of artifacts travel as references.
    const largest = Math.max(...history.events!.map((event) => JSON.stringify(event).length));
    assert.ok(largest < 200_000, `an event of ${largest} bytes in the history of ${id}`);
  }
  const changed = await probe.client.workflow.getHandle('first').fetchHistory();
  const privatize = changed.events!.find(
    (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'privatize',
  )!;
  privatize.activityTaskScheduledEventAttributes!.activityType!.name = 'publish';
  await assert.rejects(Worker.runReplayHistory(options, changed, 'first'), /[Nn]ondeterminism/);
});

test('what was started is ended, and says so', { timeout: 400_000 }, async () => {
  const { stderr } = await stack.rapt('down');
  assert.match(stderr, /ended: .*temporal/);
  const { components } = await stack.json<Up>(['status']);
  assert.ok(components.every(({ running }) => !running));
});
