/** How people see what runs: one trace of a run through all processes, the metrics that the dashboard asks for, and
 *  logs; with nothing private in them. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { WorkflowFailedError } from '@temporalio/client';
import {
  CONTROL_QUEUE,
  ErrorKind,
  releaseManifestSchema,
  TRACE_HEADER,
  WORKFLOW_TYPE,
  type TuningResult,
} from '../../contracts/index.ts';
import { Collector, type CollectedSpan } from '../support/collector.ts';
import { askedBy, DASHBOARD, metricsNamedIn, readDashboard } from '../support/dashboard.ts';
import { eventually, Probe } from '../support/probe.ts';
import { scrape, sumOf, type Sample } from '../support/scrape.ts';
import { TestStack } from '../support/stack.ts';
import { COLUMNS, PLANTED, writeReviews } from './reviews.ts';

const ROWS = 96;
const EPOCHS = 2;
const WORKERS = ['control', 'client', 'gpu'] as const;
const collector = new Collector();
const settings: NodeJS.ProcessEnv = {};
const stack = new TestStack(settings);
const table = join(stack.home, 'confidential-table.csv');
let pages: Readonly<Record<string, string>>;
let probe: Probe;
let result: TuningResult;

before(
  async () => {
    // Small batches, so that little is waited for.
    Object.assign(settings, {
      OTEL_EXPORTER_OTLP_ENDPOINT: await collector.listen(),
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '200',
    });
    const { temporal, components } = await stack.json<{
      temporal: { address: string };
      components: { component: string; address: string }[];
    }>(['up']);
    pages = Object.fromEntries(components.map(({ component, address }) => [component, address]));
    probe = await Probe.connect(temporal.address, stack.dataConverter());
  },
  { timeout: 400_000 },
);
after(
  async () => {
    await probe.close();
    await stack.remove();
    await collector.close();
  },
  { timeout: 400_000 },
);

const spansOf = (traceId: string): CollectedSpan[] => collector.spans.filter((span) => span.traceId === traceId);
const named = (name: string, workflowId: string): CollectedSpan | undefined =>
  collector.spans.find((span) => span.name === name && span.attributes['temporal.workflow_id'] === workflowId);
const childrenOf = ({ spanId }: CollectedSpan): CollectedSpan[] =>
  collector.spans.filter(({ parent }) => parent === spanId).sort((a, b) => a.startMs - b.startMs);

test(
  'one trace covers the command, the workflow and every activity, with what these did',
  { timeout: 600_000 },
  async (t) => {
    writeReviews(table, ROWS);
    const config = join(stack.home, 'tuning.json');
    const reconstruction = { plainTokens: 2, vocabularySize: 100, bottleneck: 8 };
    const tuning = {
      method: 'prompt',
      epochs: EPOCHS,
      batchSize: 16,
      length: 4,
      checkpointEverySteps: 3,
      reconstruction,
    };
    writeFileSync(
      config,
      JSON.stringify({
        data: { train: table, textColumn: COLUMNS.text, labelColumn: COLUMNS.label, maxTokens: 24 },
        privacy: { eta: 14 },
        tuning,
        audit: ['inversion'],
      }),
    );
    result = await stack.json<TuningResult>(['run', '-f', config, '--id', 'observed', '--wait']);
    const run = await eventually('the span of the run', 30_000, () => named('raptTuning', 'observed'));
    const activities = await eventually('the spans of its activities', 30_000, () => {
      const found = childrenOf(run);
      return found.some(({ name }) => name === 'register') ? found : null;
    });
    assert.deepEqual(
      activities.map(({ name, service }) => `${name} on ${service}`),
      [
        'inspect on rapt-client',
        'privatize on rapt-client',
        'publish on rapt-client',
        'train on rapt-gpu',
        'train on rapt-gpu',
        'assembleAdapter on rapt-gpu',
        'predict on rapt-gpu',
        'audit on rapt-client',
        'score on rapt-client',
        'report on rapt-client',
        'register on rapt-client',
      ],
    );

    const trace = spansOf(run.traceId);
    const roots = trace.filter(({ parent }) => parent === null);
    assert.deepEqual(
      roots.map(({ name, service }) => [name, service]),
      [['rapt run', 'rapt-cli']],
    );
    const [start] = childrenOf(roots[0]!);
    assert.equal(start!.name, 'start raptTuning');
    assert.equal(run.parent, start!.spanId);
    assert.equal(run.service, 'rapt-control');
    assert.equal(run.attributes['rapt.outcome'], 'completed');
    for (const span of trace) {
      assert.ok(
        span.parent === null || trace.some(({ spanId }) => spanId === span.parent),
        `${span.name} hangs on a span that never came`,
      );
      assert.ok(!span.failed && span.startMs <= span.endMs, span.name);
    }
    for (const { name, startMs, endMs } of activities)
      assert.ok(startMs >= run.startMs && endMs <= run.endMs, `${name} lies outside its run`);

    t.diagnostic(
      `${trace.length} spans of ${new Set(trace.map(({ service }) => service)).size} processes: ` +
        [...new Set(trace.map(({ name }) => name))].join(', '),
    );
    const inside = (name: string): Set<string> =>
      new Set(
        activities
          .filter((activity) => activity.name === name)
          .flatMap(childrenOf)
          .map((span) => span.name),
      );
    for (const [activity, steps] of Object.entries({
      privatize: ['read tables', 'open tokenizer', 'reserve budget', 'draw'],
      publish: ['upload'],
      train: ['fetch release', 'load model', 'epoch', 'checkpoint'],
      predict: ['fetch release', 'classify'],
      audit: ['attack: inversion'],
    }))
      for (const step of steps)
        assert.ok(
          inside(activity).has(step),
          `${activity} has no span ${step}, but ${[...inside(activity)].join(', ')}`,
        );
  },
);

test(
  'a run that is refused, and one that another program starts, have traces as well',
  { timeout: 400_000 },
  async () => {
    const config = join(stack.home, 'tuning.json');
    const asked = [
      'run',
      '-f',
      config,
      '--id',
      'refused',
      '--set',
      'privacy.eta=5',
      '--set',
      'privacy.budget.perText=6',
      '--wait',
    ];
    assert.equal((await stack.rapt(...asked)).code, 2);
    const privatize = await eventually('the span of the refusal', 30_000, () => named('privatize', 'refused'));
    assert.ok(privatize.failed);
    assert.equal(privatize.attributes['error.type'], ErrorKind.budgetExceeded);
    const [root] = spansOf(privatize.traceId).filter(({ parent }) => parent === null);
    assert.equal(root!.attributes['exit_code'], 2);

    // As the form of Temporal's UI starts one: without a header.
    const handle = await probe.client.workflow.start(WORKFLOW_TYPE.tuning, {
      workflowId: 'by-form',
      taskQueue: CONTROL_QUEUE,
      args: [{ colour: PLANTED }],
    });
    await assert.rejects(handle.result(), WorkflowFailedError);
    const run = await eventually('the span of the run', 30_000, () => named('raptTuning', 'by-form'));
    assert.deepEqual([run.parent, run.traceId], [null, handle.firstExecutionRunId.replaceAll('-', '')]);
    assert.ok(run.failed && run.attributes['error.type'] === ErrorKind.badInput);
  },
);

test('the trace travels beside encrypted payloads, and says nothing but its ids', { timeout: 240_000 }, async () => {
  const { events } = await probe.client.workflow.getHandle('observed').fetchHistory();
  const headers = events!.flatMap(({ activityTaskScheduledEventAttributes: scheduled }) =>
    scheduled ? [{ header: scheduled.header?.fields?.[TRACE_HEADER], input: scheduled.input?.payloads?.[0] }] : [],
  );
  assert.ok(headers.length >= 11);
  for (const { header, input } of headers) {
    assert.match(Buffer.from(header!.data!).toString(), /^\{"traceparent":"00-[0-9a-f]{32}-[0-9a-f]{16}-01"\}$/);
    assert.equal(Buffer.from(input!.metadata!['encoding']!).toString(), 'binary/encrypted');
  }
});

let samples: Sample[];

test('every metric and label of the dashboard is on a page of a worker', { timeout: 240_000 }, async (t) => {
  samples = (await Promise.all(WORKERS.map((worker) => scrape(pages[worker]!)))).flat();
  const exported = new Set(samples.map(({ name }) => name));
  for (const { title, metric, labels } of askedBy(readDashboard())) {
    const found = samples.filter(({ name }) => name === metric);
    assert.ok(found.length > 0, `"${title}" asks for ${metric}, which no worker exports`);
    for (const label of labels)
      assert.ok(
        found.every((sample) => label in sample.labels),
        `"${title}" asks for ${label} of ${metric}, which has ${Object.keys(found[0]!.labels).join(', ')}`,
      );
  }
  const named = metricsNamedIn(DASHBOARD);
  assert.deepEqual(
    named.filter((metric) => !exported.has(metric)),
    [],
  );
  t.diagnostic(
    `${named.length} metrics are named in the dashboard, ${named.filter((metric) => exported.has(metric)).length} ` +
      'are on the pages of the workers',
  );
});

test('the documentation names every metric of Rapt that is on these pages, and no other', () => {
  const page = readFileSync(new URL('../../docs/observability.md', import.meta.url), 'utf8');
  const own = samples
    .map(({ name }) => name.replace(/_(?:bucket|sum|count)$/, ''))
    .filter((name) => name.startsWith('rapt_'));
  assert.deepEqual([...new Set(page.match(/\brapt_\w+/g))].sort(), [...new Set(own)].sort());
});

test('the metrics say what happened', { timeout: 240_000 }, async () => {
  const manifest = releaseManifestSchema.parse(
    JSON.parse((await stack.store().read(`releases/local/${result.release.sha256}/manifest.json`))!.body.toString()),
  );
  assert.equal(
    sumOf(samples, 'rapt_tokens_privatized_total', { tenant: 'local', purpose: 'tuning', mechanism: 'exponential' }),
    manifest.tokens,
  );
  assert.equal(sumOf(samples, 'rapt_releases_total', { outcome: 'drawn' }), 1);
  assert.equal(
    sumOf(samples, 'rapt_activity_failures_total', { activity_type: 'privatize', kind: ErrorKind.budgetExceeded }),
    1,
  );
  assert.deepEqual(
    ['completed', 'failed'].map((outcome) => sumOf(samples, 'rapt_runs_total', { outcome })),
    [1, 2],
  );

  assert.equal(sumOf(samples, 'rapt_training_examples_total', { tenant: 'local' }), EPOCHS * manifest.rows.train);
  const steps = EPOCHS * Math.ceil(manifest.rows.train / 16);
  assert.equal(sumOf(samples, 'rapt_training_step_seconds_count'), steps);
  // Every third step, and the end of each block.
  const stored = new Set(
    [...Array(steps + 1).keys()].filter((step) => step > 0 && (step % 3 === 0 || step % (steps / EPOCHS) === 0)),
  );
  assert.equal(sumOf(samples, 'rapt_checkpoint_seconds_count'), stored.size);
  assert.ok(sumOf(samples, 'rapt_checkpoint_bytes_total') > 1000);
  assert.equal(sumOf(samples, 'rapt_training_progress'), 1);
  const loss = sumOf(samples, 'rapt_training_loss');
  assert.ok(loss > 0 && loss < 100, `a loss of ${loss}`);

  assert.equal(sumOf(samples, 'rapt_queue_wait_seconds_count', { activity_type: 'train' }), 2);
  // One after the other, within the run.
  const { startMs, endMs } = named('raptTuning', 'observed')!;
  const waited = sumOf(samples, 'rapt_queue_wait_seconds_sum', { activity_type: 'train' });
  assert.ok(waited > 0 && waited < (endMs - startMs) / 1000, `waited for ${waited} s`);
});

test('every line of a log about a run tells which one, and where it stands in the trace', { timeout: 240_000 }, () => {
  const lines = WORKERS.flatMap((worker) =>
    logOf(worker)
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  );
  const traceId = named('raptTuning', 'observed')!.traceId;
  const about = lines.filter(
    ({ activityType, workflowType }) => activityType !== undefined || workflowType !== undefined,
  );
  assert.ok(about.length > 15, `${about.length} lines`);
  for (const line of about) {
    for (const field of ['workflowId', 'runId', 'traceId'])
      assert.equal(typeof line[field], 'string', `${field} of ${JSON.stringify(line)}`);
    if (line['activityType'] !== undefined) assert.equal(line['attempt'], 1);
    if (line['workflowId'] === 'observed') assert.equal(line['traceId'], traceId);
  }
  const messages = about.filter(({ workflowId }) => workflowId === 'observed').map(({ message }) => message);
  for (const message of ['activity done', 'release drawn', 'checkpoint stored', 'run ended'])
    assert.ok(messages.includes(message), message);
});

test('no text, no column and no file is in a trace, in a metric or in a log of the provider', async () => {
  const pagesNow = await Promise.all(WORKERS.map(async (worker) => (await fetch(pages[worker]!)).text()));
  const places = {
    traces: Buffer.concat(collector.received.map(({ body }) => body)).toString(),
    metrics: pagesNow.join('\n'),
    logs: logOf('control') + logOf('gpu'),
  };
  const secrets = [
    PLANTED,
    PLANTED.toLowerCase(),
    'dear reader',
    'confidential-table',
    stack.home,
    ...Object.values(COLUMNS),
  ];
  for (const [place, text] of Object.entries(places)) {
    assert.ok(text.length > 1000, place);
    for (const secret of secrets) assert.ok(!text.includes(secret), `${secret} is in the ${place}`);
  }
  // Words in a trace are ids and names of Rapt's own.
  const words = collector.spans.flatMap(({ attributes }) =>
    Object.entries(attributes)
      .filter(([, value]) => typeof value === 'string')
      .map(([name]) => name),
  );
  assert.deepEqual([...new Set(words)].sort(), [
    'error.type',
    'rapt.outcome',
    'temporal.activity_id',
    'temporal.run_id',
    'temporal.workflow_id',
  ]);
});

const logOf = (worker: string): string => readFileSync(join(stack.home, 'stack', 'logs', `${worker}.log`), 'utf8');
