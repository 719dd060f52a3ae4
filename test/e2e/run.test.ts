/** The whole run on the real servers, with the real backbone and real sentences. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, test } from 'node:test';
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
import { inOrder } from '../support/in-order.ts';

interface Up {
  readonly temporal: { readonly address: string; readonly uiUrl: string };
  readonly codecUrl: string;
  readonly components: readonly { readonly component: string; readonly running: boolean }[];
}
type Shown = RunProgress & { readonly workflowId: string; readonly status: string };

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

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

describe('a run on a table of odd columns, three classes and awkward cells', () => {
  let stderr: string;
  before(
    async () => {
      const asked = ['run', '-f', config, '--id', 'first', '--gate', 'accuracy>=0.1', '--wait', '--json'];
      const ended = await stack.rapt(...asked);
      assert.equal(ended.code, 0, ended.stdout + ended.stderr);
      ({ stderr } = ended);
      first = JSON.parse(ended.stdout) as OwnResult;
      stepsPerEpoch = Math.ceil((ROWS - first.metrics.test.n) / BATCH);
    },
    { timeout: 600_000 },
  );

  it('holds out about a fifth of the rows', () => {
    const { n } = first.metrics.test;
    assert.ok(n > 40 && n < 110, `${n} held-out rows of ${ROWS}`);
  });

  it('counts each held-out row once in the confusion of three classes', () => {
    const { confusion, n } = first.metrics.test;
    assert.equal(confusion.length, 3);
    assert.equal(sum(confusion.flat()), n);
  });

  it('classifies better than never, and reconstructs the plain tokens of each row', () => {
    const { n, accuracy, majorityRate, reconstruction } = first.metrics.test;
    assert.ok(accuracy > 0.1 && majorityRate < 1);
    assert.equal(reconstruction?.n, 4 * n);
  });

  it('passes its gate', () => {
    assert.deepEqual(
      first.gates.map(({ gate, passed }) => [gate, passed]),
      [['accuracy>=0.1', true]],
    );
  });

  it('is private, and leaves about half of the tokens as they were', () => {
    const { guarantee, unchangedRate } = first.privacy;
    assert.equal(guarantee.private, true);
    assert.ok(unchangedRate > 0.3 && unchangedRate < 0.7, String(unchangedRate));
  });

  for (const name of ['inversion', 'bayes', 'learned', 'context'])
    it(`is attacked: ${name} gets more than prior knowledge does`, () => {
      const { success, priorOnly } = first.audit.attacks!.find(({ attack }) => attack === name)!;
      assert.ok(success.low > priorOnly.high);
    });

  it('is attacked by inversion as often with success as tokens stayed themselves', () => {
    const { success } = first.audit.attacks!.find(({ attack }) => attack === 'inversion')!;
    assert.ok(Math.abs(success.value - first.privacy.unchangedRate) < 0.05);
  });

  it('writes a page that tells what was guaranteed and what was attacked', () => {
    const page = readFileSync(first.report.path, 'utf8');
    for (const part of ['eta = 14', 'short', 'What attacks get', first.adapter.sha256, 'Not covered'])
      assert.ok(page.includes(part), `the report lacks ${part}`);
  });

  it('writes a page that runs no script and asks no network', () => {
    assert.doesNotMatch(readFileSync(first.report.path, 'utf8'), /<script|https?:\/\/(?!www\.w3\.org)/);
  });

  it('tells its steps and their loss on the way', () => {
    assert.match(stderr, /step \d+ of \d+.*loss \d/);
  });
});

describe('the report', () => {
  const printed = async (format: string): Promise<string> =>
    (await stack.rapt('report', '--run', 'first', '--format', format)).stdout;

  it('is JSON, with the figures of the run', { timeout: 240_000 }, async () => {
    const data = JSON.parse(await printed('json')) as ReportData;
    assert.deepEqual(
      [data.format, data.metrics, data.lineage.backbone, data.others],
      ['rapt-report/1', first.metrics.test, first.privacy.backboneSha256, []],
    );
  });

  it('shows the frontier of its table: with eta, what Bayes gets grows', { timeout: 240_000 }, async () => {
    const { frontier } = JSON.parse(await printed('json')) as ReportData;
    assert.equal(frontier.length, 7);
    assert.ok(frontier.every(({ bayes }, at) => bayes >= (frontier[at - 1]?.bayes ?? 0)));
    assert.ok(frontier.every(({ mechanism }) => mechanism === 'exponential'));
  });

  for (const [format, name] of [
    ['html', 'index.html'],
    ['json', 'report.json'],
    ['md', 'report.md'],
  ] as const)
    it(`is ${format}, in the store sealed by the owner's key`, { timeout: 240_000 }, async () => {
      const content = await printed(format);
      const key = `reports/local/first/${name}.sealed`;
      const { body } = (await stack.store().read(key))!;
      assert.ok(!body.includes('Accuracy') && !body.includes('accuracy'), 'the provider cannot read it');
      const secret = readFileSync(join(stack.home, 'client', 'local', 'release-key'));
      assert.equal(openReport(secret, key, body).toString('utf8').trimEnd(), content.trimEnd());
      assert.doesNotMatch(content, /Bewertungen/);
    });

  it('is verified with the run', { timeout: 240_000 }, async () => {
    const { code, stdout } = await stack.rapt('verify', 'first', '--json');
    assert.equal(code, 0);
    for (const name of ['report.json', 'report.md'])
      assert.ok(stdout.includes(`reports/local/first/${name}.sealed`), stdout);
  });

  it('has no other format', { timeout: 240_000 }, async () => {
    assert.equal((await stack.rapt('report', '--run', 'first', '--format', 'pdf')).code, 2);
  });
});

describe('the provider', () => {
  let told: TuningResult;
  before(async () => {
    told = (await probe.client.workflow.getHandle('first').result()) as TuningResult;
  });

  it('is told metrics rounded', () => {
    const { accuracy, f1, n, reconstruction } = first.metrics.test;
    const rounded = { accuracy: toldShare(accuracy, n), f1: toldShare(f1, n), n, reconstruction };
    assert.deepEqual(told.metrics.test, rounded);
  });

  it('is told no path and no attack on attributes', () => {
    assert.deepEqual([told.report.path, 'attributes' in told.audit], ['', false]);
  });

  it('is told gates by the rounded figure', () => {
    assert.deepEqual(
      told.gates.map(({ value }) => value),
      [told.metrics.test.accuracy],
    );
  });

  it('finds no more in the search attributes', async () => {
    const { typedSearchAttributes } = await probe.client.workflow.getHandle('first').describe();
    assert.equal(typedSearchAttributes.get(searchAttributes.accuracy), told.metrics.test.accuracy);
  });

  it('finds no more in the store', async () => {
    const { body } = (await stack.store().read('runs/local/first/result.json'))!;
    const stored = JSON.parse(body.toString('utf8')) as TuningResult;
    assert.deepEqual([stored.metrics, stored.gates, stored.audit], [told.metrics, told.gates, told.audit]);
  });

  it('knows less than the owner, who is shown the exact figure', { timeout: 240_000 }, async () => {
    assert.equal((await stack.json<Shown>(['show', 'first'])).accuracy, first.metrics.test.accuracy);
  });
});

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
      inOrder(
        'texts would exceed the budget of eta 18 for a text, set by the run (privacy.budget.perText)',
        'this release costs eta 5',
        'has left is eta 4; ',
        'Nothing was drawn',
      ),
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

test('nothing of a text, and no path of a table, is on the provider side', () => {
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
