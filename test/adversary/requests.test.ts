/** The provider writes what reaches the client's queue. Each request here is one that it would write; the real object
 *  store and the client's real activities answer. Beside each refusal the owner's own word for the same request shows
 *  what would have left. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { createClientActivities } from '../../activities/client/index.ts';
import {
  canonicalJson,
  ErrorKind,
  keys,
  parsePredictInput,
  parseTuningConfig,
  releaseManifestSchema,
  type ClientActivities,
  type LocalRelease,
  type RunContext,
  type TuningConfig,
  type TuningInput,
} from '../../contracts/index.ts';
import { openBackbone } from '../../rapt/backbone/index.ts';
import { Ledger } from '../../rapt/ledger/index.ts';
import { approve, policyFile, tablesNow } from '../../rapt/policy/index.ts';
import { readShard } from '../../rapt/release/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { minioOfFile } from '../support/minio.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const folder = temporaryFolder();
const { store } = await minioOfFile();
const backbone = writeTinyModel(join(folder, 'tiny'));
const { tokenizer } = await openBackbone(backbone);

/** Forty texts whose tokens no noise would leave in their order. */
const texts = Array.from({ length: 40 }, (_, row) =>
  Array.from({ length: 12 }, (_, word) => `w${5 + ((row * 7 + word * 3) % 50)}`).join(' '),
);
const write = (name: string, head: string, rowOf: (text: string, row: number) => string): string => {
  const path = join(folder, name);
  writeFileSync(path, `${head}\n${texts.map(rowOf).join('\n')}\n`);
  return path;
};
const allowed = write('allowed.csv', 'text,label,diagnosis', (text, row) => `${text},${row % 2},case ${row}`);
const secret = write('secret.csv', 'text,label', (text, row) => `${text},${row % 2}`);
const answers = join(folder, 'answers');
mkdirSync(answers);

interface Client {
  readonly home: string;
  readonly activities: ClientActivities;
  readonly entries: () => Promise<number>;
}

let clients = 0;
/** A client whose owner allows one table at eta 14. */
async function client(tenant = 'local'): Promise<Client> {
  // The one before was another owner's.
  await store.remove(keys.client(tenant));
  const home = join(folder, `home-${++clients}`);
  mkdirSync(home);
  const rule =
    `{ table: ${allowed}, name: allowed, text: [text], label: ` + '[label], eta: { exponential: 14 }, labels: plain }';
  writeFileSync(
    policyFile(home),
    `version: 1\ntables:\n  - ${rule}\nbackbones: [${backbone}]\nanswers: [${answers}]\nbudgets: { perText: 14, ` +
      'perTenant: 10000 }\n',
  );
  return {
    home,
    activities: createClientActivities({ store, home, tenant }),
    entries: async () => (await new Ledger(join(home, tenant)).releases()).length,
  };
}

/** As Temporal calls it, for the workflow of this id. */
function asked<T>(workflowId: string, call: () => Promise<T>): Promise<T> {
  const { signal } = new AbortController();
  const temporal = { workflow: { getHandle: () => ({ signal: () => Promise.resolve() }) } };
  const info = {
    attempt: 1,
    currentAttemptScheduledTimestampMs: Date.now(),
    taskQueue: 'rapt-client-local',
    workflowExecution: { workflowId, runId: 'r' },
    heartbeatDetails: undefined,
  };
  const context = {
    info,
    client: temporal,
    log: { info: () => undefined, warn: () => undefined },
    heartbeat: () => undefined,
    cancelled: new Promise(() => undefined),
    cancellationSignal: signal,
  } as unknown as Context;
  return asyncLocalStorage.run(context, call);
}

function configOf(input: TuningInput): TuningConfig {
  const parsed = parseTuningConfig({ backbone, audit: false, ...input });
  assert.ok(parsed.ok, canonicalJson(parsed));
  return parsed.value;
}

const refusal =
  (words: RegExp, kind: string = ErrorKind.badInput) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof ApplicationFailure, String(error));
    assert.match(error.message, words);
    return error.type === kind;
  };

/** Everything that this client has put where the provider reads it. */
async function stored(prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list(prefix)) found.push(key);
  return found;
}

const data = { train: allowed };
const forged: readonly (readonly [what: string, config: TuningInput, words: RegExp])[] = [
  [
    'texts without noise',
    { data, privacy: { mechanism: 'none' } },
    /privacy\.mechanism: is none, and the owner's policy does not let this table leave without noise/,
  ],
  [
    'another table that the client can read',
    { data: { train: secret } },
    /data\.train: is not among the tables of the owner's policy/,
  ],
  [
    'hardly any noise',
    { data, privacy: { eta: 1000 } },
    /privacy\.eta: is 1000, and the owner's policy allows exponential up to 14/,
  ],
  [
    'another mechanism',
    { data, privacy: { mechanism: 'laplace', eta: 9 } },
    /privacy\.mechanism: is laplace, which the owner's policy does not allow/,
  ],
  [
    'raw cells as class names',
    { data: { ...data, labelColumn: 'diagnosis' } },
    /data\.labelColumn: is not a column that the owner's policy allows/,
  ],
  [
    'a column of texts that is not meant',
    { data: { ...data, textColumn: 'diagnosis' } },
    /data\.textColumn: is not a column/,
  ],
  ['another table for testing', { data: { ...data, test: secret } }, /data\.test: is not among the tables/],
  [
    'a model in which words lie far apart',
    { data, backbone: join(folder, 'elsewhere') },
    /backbone: is not among the backbones/,
  ],
  [
    'another tenant, who has spent nothing',
    { data, tenant: 'fresh' },
    /is of tenant fresh and came by the queue rapt-client-local/,
  ],
];

for (const [what, config, words] of forged)
  test(`asked for ${what}, the client refuses before anything is reserved, at whichever step it is asked`, async () => {
    const { activities, entries, home } = await client();
    const before = await stored('');
    const request: RunContext = { run: 'forged', config: configOf(config) };
    await assert.rejects(
      asked('forged', () => activities.inspect(request)),
      refusal(words),
    );
    await assert.rejects(
      asked('forged', () => activities.privatize(request)),
      refusal(words),
    );
    const release = { localKey: '0'.repeat(32) } as LocalRelease;
    await assert.rejects(
      asked('forged', () => activities.publish({ ...request, release })),
      refusal(words),
    );
    await assert.rejects(
      asked('forged', () => activities.audit({ ...request, release })),
      refusal(words),
    );
    assert.equal(await entries(), 0);
    assert.deepEqual(await stored(''), before);
    assert.equal(existsSync(join(home, 'local', 'releases')), false);
  });

test("the same request with the owner's word leaves as it says: what the refusals keep back", async () => {
  const { activities, home } = await client();
  const request: RunContext = {
    run: 'meant',
    config: configOf({ data, privacy: { mechanism: 'none' }, tuning: { reconstruction: false } }),
  };
  await approve(join(home, 'local'), { type: 'tuning', id: 'meant', request: request.config });
  const release = await asked('meant', () => activities.privatize(request));
  const { input } = await readShard(
    join(
      home,
      'local',
      'releases',
      release.localKey,
      readdirSync(join(home, 'local', 'releases', release.localKey)).find((name) => name.endsWith('.parquet'))!,
    ),
  );
  const first = Array.from(input.ids.subarray(input.offsets[0], input.offsets[1]));
  assert.ok(
    texts.some((text) => canonicalJson(Array.from(tokenizer.encode(text, 64))) === canonicalJson(first)),
    'a text as it is',
  );
  const published = await asked('meant', () => activities.publish({ ...request, release }));
  assert.ok((await stored(`releases/local/${published.digest}/`)).length > 1);
  await assert.rejects(
    asked('other', () => activities.privatize({ ...request, run: 'other' })),
    refusal(/privacy\.mechanism/),
    'the word was given for one run',
  );
});

test('a run that the policy allows is bound to its own release, whatever a later step asks for', async () => {
  const { activities, home } = await client();
  const request: RunContext = { run: 'a', config: configOf({ data }) };
  await asked('a', () => activities.inspect(request));
  const release = await asked('a', () => activities.privatize(request));
  const strange = { ...release, localKey: '../../other/releases/x' };
  for (const step of ['publish', 'audit'] as const)
    await assert.rejects(
      asked<unknown>('a', () => activities[step]({ ...request, release: strange })),
      refusal(/is not the release that was drawn here for this run/, ErrorKind.corruptArtifact),
    );
  const resplit = { ...request, config: configOf({ data: { ...data, testFraction: 0.5 } }) };
  await assert.rejects(
    asked('a', () => activities.audit({ ...resplit, release })),
    refusal(/was drawn here under other settings/, ErrorKind.corruptArtifact),
  );
  await assert.rejects(
    asked('b', () => activities.publish({ ...request, release })),
    refusal(/is of run a and was sent by b/),
  );
  await assert.rejects(
    asked('b', () => activities.privatize(request)),
    refusal(/is of run a and was sent by b/),
  );
  const { manifest } = await asked('a', () => activities.publish({ ...request, release }));
  assert.match(manifest.key, /^releases\/local\//);
  assert.deepEqual(readdirSync(home).sort(), ['local', 'policy.yaml']);
});

test("the owner's word for a run is no word for rows that came into the table later", async () => {
  const { activities, home, entries } = await client();
  const table = write('grows.csv', 'text,label', (text, row) => `${text},${row % 2}`);
  const request: RunContext = {
    run: 'meant',
    config: configOf({ data: { train: table }, privacy: { mechanism: 'none' } }),
  };
  await approve(join(home, 'local'), { type: 'tuning', id: 'meant', request: request.config });
  await asked('meant', () => activities.privatize(request));
  await asked('meant', () => activities.privatize(request));
  write('grows.csv', 'text,label', (text, row) => `${text} w7,${row % 2}`);
  await assert.rejects(
    asked('meant', () => activities.privatize(request)),
    refusal(/meant: its tables have changed since it was released/),
  );
  assert.equal(await entries(), 1);
});

test("the owner's word for a run is no word for what the table holds when the provider lets it begin", async () => {
  const { activities, home, entries } = await client();
  const table = write('held.csv', 'text,label', (text, row) => `${text},${row % 2}`);
  const request: RunContext = {
    run: 'held',
    config: configOf({ data: { train: table }, privacy: { mechanism: 'none' } }),
  };
  await approve(join(home, 'local'), {
    type: 'tuning',
    id: 'held',
    request: request.config,
    tables: await tablesNow([table]),
  });
  write('held.csv', 'text,label', (text, row) => `${text} w7,${row % 2}`);
  await assert.rejects(
    asked('held', () => activities.privatize(request)),
    refusal(/held\.csv: has changed since the owner gave their word for it/),
  );
  assert.equal(await entries(), 0);
});

test('a run by the policy does not take the name of another one', async () => {
  const { activities, entries } = await client();
  await asked('first', () => activities.privatize({ run: 'first', config: configOf({ data, privacy: { eta: 1 } }) }));
  await assert.rejects(
    asked('first', () => activities.privatize({ run: 'first', config: configOf({ data, privacy: { eta: 13 } }) })),
    refusal(/first is the name of a run of other settings/),
  );
  assert.equal(await entries(), 1);
});

test('what is said of classes does not depend on the part of the table that is asked for', async () => {
  const { activities, home } = await client();
  writeFileSync(
    policyFile(home),
    readFileSync(policyFile(home), 'utf8').replace('labels: plain', 'labels: plain, smallestClass: 20'),
  );
  for (const maxTrainRows of [4, 9, 20])
    await asked('a', () => activities.inspect({ run: 'a', config: configOf({ data: { ...data, maxTrainRows } }) }));
});

test('of protected labels no part of a table tells anything, refused or not', async () => {
  const table = join(folder, 'protected.csv');
  const limits = [
    {},
    { maxTrainRows: 2, maxTestRows: 2 },
    { maxTrainRows: 9, testFraction: 0.5 },
    { maxTestRows: 1, testFraction: 0.01 },
  ];
  const parts = [...limits, ...limits.map((limit) => ({ ...limit, test: table }))];
  const told = async ({ activities }: Client, run: string, part: (typeof parts)[number]): Promise<unknown> => {
    const config = configOf({ data: { ...part, train: table }, privacy: { labelEpsilon: 0.0001 } });
    const request: RunContext = { run, config };
    try {
      const inspected = await asked(run, () => activities.inspect(request));
      const release = await asked(run, () => activities.privatize(request));
      const published = await asked(run, () => activities.publish({ ...request, release }));
      const manifest = (await store.get(published.manifest)).toString('utf8');
      const { classes, rows } = releaseManifestSchema.parse(JSON.parse(manifest));
      return { inspected, classes, rows };
    } catch (error) {
      assert.ok(error instanceof ApplicationFailure, String(error));
      return error.message;
    }
  };
  const answersOf = async (labelOf: (row: number) => string): Promise<unknown[]> => {
    const one = await client();
    const columns = `table: ${table}, text: [text], label: [label]`;
    const rule = `{ ${columns}, eta: { exponential: 14 }, labels: 1, smallestClass: 2 }`;
    const budgets = '{ perText: 10000, perTenant: 1000000, labels: 100 }';
    const policy = `version: 1\ntables: [${rule}]\nbackbones: [${backbone}]\nbudgets: ${budgets}\n`;
    writeFileSync(policyFile(one.home), policy);
    write('protected.csv', 'text,label', (text, row) => `${text},${labelOf(row)}`);
    const answers: unknown[] = [];
    for (const [at, part] of parts.entries()) answers.push(await told(one, `part-${at}`, part));
    return answers;
  };
  const first = await answersOf((row) => 'abc'[row % 3]!);
  assert.deepEqual(await answersOf((row) => (row < 2 ? 'b' : row > 36 ? 'c' : 'a')), first);
  const refused = first.filter((answer) => typeof answer === 'string');
  assert.ok(refused.length < first.length, 'not all parts are refused');
  for (const message of refused) assert.match(message, /^\S+protected\.csv: is too small for held-out test rows/);
});

test('a class has no more rows by its table being named for testing as well', async () => {
  const { activities, home, entries } = await client();
  const policy = readFileSync(policyFile(home), 'utf8');
  writeFileSync(policyFile(home), policy.replace('labels: plain', 'labels: plain, smallestClass: 21'));
  const words = /has 2 classes of fewer than 21 rows/;
  for (const more of [{}, { test: allowed }, { test: allowed, maxTrainRows: 9 }]) {
    const request: RunContext = { run: 'a', config: configOf({ data: { ...data, ...more } }) };
    for (const step of ['inspect', 'privatize'] as const)
      await assert.rejects(
        asked<unknown>('a', () => activities[step](request)),
        refusal(words),
      );
  }
  assert.equal(await entries(), 0);
});

test('the budgets of the policy hold: a second noisy version of the same texts is not drawn', async () => {
  const { activities, entries } = await client();
  await asked('a', () => activities.privatize({ run: 'a', config: configOf({ data }) }));
  await assert.rejects(
    asked('b', () => activities.privatize({ run: 'b', config: configOf({ data: { ...data, maxTokens: 11 } }) })),
    refusal(/would exceed the budget of eta 14 for a text/, ErrorKind.budgetExceeded),
  );
  assert.equal(await entries(), 1);
});

test('more classes, or smaller ones, than the policy allows are refused: their names would leave', async () => {
  const { activities, home, entries } = await client();
  const rule = (limits: string): void =>
    writeFileSync(
      policyFile(home),
      `version: 1\ntables: [{ table: ${allowed}, text: [text], label: [diagnosis, label], eta: { exponential: 14 ` +
        `}, labels: plain, ${limits} }]\nbackbones: [${backbone}]\n`,
    );
  rule('smallestClass: 1');
  const named: RunContext = {
    run: 'a',
    config: configOf({ data: { ...data, test: allowed, labelColumn: 'diagnosis' } }),
  };
  for (const step of ['inspect', 'privatize'] as const)
    await assert.rejects(
      asked('a', () => activities[step](named)),
      (error: unknown) =>
        refusal(/has 40 classes, whose names leave as they are, and the owner's policy allows 20/)(error) &&
        !String(error).includes('case 1'),
    );
  rule('smallestClass: 30');
  const pair: RunContext = { run: 'a', config: configOf({ data }) };
  for (const step of ['inspect', 'privatize'] as const)
    await assert.rejects(
      asked('a', () => activities[step](pair)),
      refusal(/has 2 classes of fewer than 30 rows/),
    );
  assert.equal(await entries(), 0);
});

test('an eta that is chosen by the share of unchanged tokens is held against the policy once it is known', async () => {
  const { activities, entries, home } = await client();
  writeFileSync(policyFile(home), readFileSync(policyFile(home), 'utf8').replace('exponential: 14', 'exponential: 2'));
  const request: RunContext = { run: 'a', config: configOf({ data, privacy: { targetUnchanged: 0.99 } }) };
  await assert.rejects(
    asked('a', () => activities.privatize(request)),
    refusal(/privacy\.eta: is \d+.*and the owner's policy allows exponential up to 2/),
  );
  assert.equal(await entries(), 0);
});

test('a policy that cannot be read allows nothing', async () => {
  const { activities, home } = await client();
  writeFileSync(policyFile(home), 'version: 2\n');
  await assert.rejects(
    asked('a', () => activities.privatize({ run: 'a', config: configOf({ data }) })),
    refusal(/policy\.yaml, version/),
  );
});

test('a notice to the webhook is a notice, and nothing that the provider adds', async () => {
  const { activities } = await client();
  const notice = {
    id: 'i',
    run: 'a',
    runId: 'r',
    state: 'started',
    stage: 'validate',
    at: new Date().toISOString(),
    reason: null,
    report: null,
  } as const;
  await asked('a-notify-0123abcd', () => activities.notify(notice));
  await assert.rejects(
    asked('a-notify-0123abcd', () => activities.notify({ ...notice, command: 'rm' } as never)),
    refusal(/notice: is not what a run tells of itself/),
  );
});

test('answers go to the folders of the policy, over no file that is there, from tables that it allows', async () => {
  const { activities, home } = await client();
  const own: TuningConfig = configOf({ data, privacy: { eta: 14 }, tuning: { reconstruction: false } });
  const runs = join(home, 'local', 'runs', 'tuned');
  mkdirSync(runs, { recursive: true });
  // What `rapt import` remembers; the refusals come before the adapter is looked for.
  writeFileSync(
    join(runs, 'import.json'),
    JSON.stringify({ config: own, adapter: { digest: 'a'.repeat(64), files: {} } }),
  );
  symlinkSync(folder, join(answers, 'out'));
  writeFileSync(join(answers, 'there.csv'), 'mine');
  const ask = (change: object) => {
    const parsed = parsePredictInput({ run: 'tuned', in: allowed, out: join(answers, 'new.csv'), ...change });
    assert.ok(parsed.ok);
    return asked('p', () => activities.preparePrediction({ ...parsed.value, prediction: 'p' }));
  };
  await assert.rejects(ask({ in: secret }), refusal(/in: is not among the tables/));
  await assert.rejects(ask({ out: join(folder, 'elsewhere.csv') }), refusal(/out: is outside of the folders/));
  await assert.rejects(
    ask({ out: join(answers, 'out', 'elsewhere.csv') }),
    refusal(/out: is outside of the folders/),
    'by a link',
  );
  await assert.rejects(
    ask({ out: join(answers, 'there.csv') }),
    refusal(/there\.csv exists, and a request by the policy replaces no file/),
  );
  await assert.rejects(ask({ labelColumn: 'diagnosis' }), refusal(/labelColumn: is not a column/));
  assert.equal(readFileSync(join(answers, 'there.csv'), 'utf8'), 'mine');
  const finish = {
    prepared: { prediction: 'p', tenant: 'local', input: { path: secret, text: 'text' } },
    predictions: {},
    out: join(folder, 'stolen.csv'),
  } as never;
  await assert.rejects(
    asked('p', () => activities.finishPrediction(finish)),
    refusal(/prediction: was not prepared by this client/),
  );
});
