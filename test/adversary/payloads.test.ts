/** What the provider can do with what passes through its hands: copy it elsewhere, put one for another, read it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApplicationFailure, asyncLocalStorage, type Context } from '@temporalio/activity';
import {
  defaultPayloadConverter,
  type Payload,
  type PayloadCodec,
  type SerializationContext,
} from '@temporalio/common';
import { createClientActivities } from '../../activities/client/index.ts';
import { assertOwnRequest } from '../../activities/client/boundary/request-owner.ts';
import { openRequest } from '../../activities/client/boundary/open-request.ts';
import { sealResult } from '../../activities/client/boundary/seal-result.ts';
import { sealedFailure } from '../../activities/failures.ts';
import { createGpuActivities } from '../../activities/gpu/index.ts';
import {
  createCodec,
  createOwnerView,
  createSeals,
  newKey,
  parseKeyring,
  parseOwnerKeys,
  type Keyring,
} from '../../codec/index.ts';
import {
  ErrorKind,
  isSealed,
  noticeId,
  parsePredictInput,
  parseTuningConfig,
  RaptError,
  sealInput,
  type ClientActivities,
  type Seals,
  type TuningConfig,
} from '../../contracts/index.ts';
import { assertEncrypts } from '../../settings/index.ts';
import { temporaryFolder } from '../support/folder.ts';

const nothing = (): undefined => undefined;

interface Asking {
  /** Null for an activity that no workflow started. */
  readonly workflowId: string | null;
  readonly taskQueue?: string;
}

/** As an activity that is asked for so. */
function asked<T>({ workflowId, taskQueue = 'rapt-client-acme' }: Asking, body: () => T): T {
  const workflowExecution = workflowId === null ? undefined : { workflowId, runId: 'r' };
  const info = { workflowExecution, taskQueue, heartbeatDetails: undefined, currentAttemptScheduledTimestampMs: 0 };
  return asyncLocalStorage.run(
    {
      info,
      cancellationSignal: new AbortController().signal,
      heartbeat: nothing,
      log: { info: nothing },
    } as unknown as Context,
    body,
  );
}

const fails =
  (kind: ErrorKind, said: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof Error);
    assert.equal(
      error instanceof RaptError ? error.kind : (error as Error & { type?: string }).type,
      kind,
      error.stack,
    );
    assert.match(error.message, said);
    return true;
  };

function configOf(input: unknown): TuningConfig {
  const parsed = parseTuningConfig(input);
  assert.ok(parsed.ok);
  return parsed.value;
}

const config = configOf({ tenant: 'acme', data: { train: 'patients.csv' } });
const prepared = { prediction: 'asked', tenant: 'acme' } as Parameters<
  ClientActivities['finishPrediction']
>[0]['prepared'];

describe('a request that is copied into another run, another queue, or sent by none', () => {
  const client = createClientActivities({ store: null as never, home: temporaryFolder(), tenant: 'acme' });
  const requests = {
    ...Object.fromEntries(
      ['inspect', 'privatize', 'publish', 'audit', 'score', 'report', 'register'].map((name) => [
        name,
        { run: 'nightly', config },
      ]),
    ),
    notify: { run: 'nightly' },
    preparePrediction: { prediction: 'asked', tenant: 'acme', run: 'nightly' },
    finishPrediction: { prepared },
  } as unknown as { [name in keyof ClientActivities]: never };
  const ownerOf = (name: string): string =>
    name === 'notify' ? noticeId('nightly', '0123abcd') : /Prediction$/.test(name) ? 'asked' : 'nightly';

  for (const name of Object.keys(client) as (keyof ClientActivities)[]) {
    it(`is refused by the client's ${name}`, async () => {
      const call = (asking: Asking): Promise<unknown> =>
        asked(asking, () => (client[name] as (request: never) => Promise<unknown>)(requests[name]));
      await assert.rejects(call({ workflowId: 'another' }), fails(ErrorKind.badInput, /and was sent by another;/));
      await assert.rejects(call({ workflowId: null }), fails(ErrorKind.badInput, /and was sent by no run;/));
      if (name !== 'notify')
        await assert.rejects(
          call({ workflowId: ownerOf(name), taskQueue: 'rapt-client-other' }),
          fails(ErrorKind.badInput, /is of tenant acme and came by the queue rapt-client-other/),
        );
      asked({ workflowId: ownerOf(name) }, () => assertOwnRequest(name, requests[name]));
    });
  }

  it("is refused of a messenger that only looks like the run's", () => {
    for (const workflowId of [
      'nightly',
      'nightly-notify-',
      'nightly-notify-0123abcde',
      'x-nightly-notify-0123abcd',
      'nightly-notify-0123abcd-notify-0123abcd',
    ])
      assert.throws(
        () => asked({ workflowId }, () => assertOwnRequest('notify', requests.notify)),
        fails(ErrorKind.badInput, /was sent by/),
        workflowId,
      );
  });

  it('is refused by a GPU worker when no run sent it, or another queue brought it', async () => {
    const gpu = createGpuActivities({ store: null as never, scratch: null as never, models: null as never });
    const request = { run: 'nightly', tenant: 'acme' } as never;
    await assert.rejects(
      asked({ workflowId: null, taskQueue: 'rapt-gpu' }, () => gpu.train(request)),
      fails(ErrorKind.badInput, /was sent by no run/),
    );
    await assert.rejects(
      asked({ workflowId: 'nightly' }, () => gpu.train(request)),
      fails(ErrorKind.badInput, /came by the queue rapt-client-acme/),
    );
  });
});

const payload = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const valueOf = (of: Payload): unknown => defaultPayloadConverter.fromPayload(of);
const encoded = async (codec: PayloadCodec, value: unknown, context?: SerializationContext): Promise<Payload> =>
  (await codec.encode([payload(value)], context))[0]!;
const decoded = async (codec: PayloadCodec, of: Payload, context?: SerializationContext): Promise<unknown> =>
  valueOf((await codec.decode([of], context))[0]!);
const keyIdOf = (of: Payload): string => Buffer.from(of.metadata!['encryption-key-id']!).toString();
const workflow = (workflowId: string, namespace = 'default'): SerializationContext => ({
  type: 'workflow',
  namespace,
  workflowId,
});
const activity = (workflowId: string, activityId: string): SerializationContext => ({
  type: 'activity',
  namespace: 'default',
  workflowId,
  activityId,
  isLocal: false,
});

describe('a payload that is put in the place of another', () => {
  const codec = createCodec([newKey()], 'refuse');

  it('is read where it belongs, and by who only shows it', async () => {
    for (const place of [workflow('nightly'), activity('nightly', '3'), undefined]) {
      const sent = await encoded(codec, { run: 'nightly' }, place);
      for (const reader of [place, undefined]) assert.deepEqual(await decoded(codec, sent, reader), { run: 'nightly' });
    }
  });

  it('is refused in another run, another activity, another namespace, and as input instead of result', async () => {
    const places = [
      workflow('nightly'),
      workflow('weekly'),
      workflow('nightly', 'other'),
      activity('nightly', '3'),
      activity('nightly', '4'),
      activity('weekly', '3'),
    ];
    for (const from of places) {
      const sent = await encoded(codec, 'secret', from);
      for (const to of places.filter((place) => place !== from))
        await assert.rejects(decoded(codec, sent, to), fails(ErrorKind.corruptArtifact, /it was copied there/));
    }
  });

  it('is refused when its place was written over, or taken off', async () => {
    const sent = await encoded(codec, 'secret', workflow('nightly'));
    const other = await encoded(codec, 'secret', workflow('weekly'));
    const { 'encryption-place': _, ...without } = sent.metadata!;
    for (const metadata of [
      { ...sent.metadata, 'encryption-place': other.metadata!['encryption-place']! },
      without,
      { ...sent.metadata, 'encryption-place': Buffer.from('') },
    ])
      await assert.rejects(
        decoded(codec, { ...sent, metadata }, workflow('weekly')),
        fails(ErrorKind.corruptArtifact, /was changed/),
      );
  });

  it('of a schedule is read by the runs that it starts, and by no other', async () => {
    const input = await encoded(codec, 'input', workflow('weekly'));
    const result = await encoded(codec, 'result', workflow('weekly-2026-11-23T03:00:00Z'));
    for (const sent of [input, result]) {
      assert.ok(await decoded(codec, sent, workflow('weekly-2026-11-30T03:00:00Z')));
      for (const other of ['daily-2026-11-30T03:00:00Z', 'weekly-r2', 'daily'])
        await assert.rejects(
          decoded(codec, sent, workflow(other)),
          fails(ErrorKind.corruptArtifact, /it was copied there/),
        );
    }
    const run = 'weekly-2026-11-30T03:00:00Z';
    for (const place of [workflow(run, 'other'), activity(run, '1')])
      await assert.rejects(decoded(codec, input, place), fails(ErrorKind.corruptArtifact, /it was copied there/));
    await assert.rejects(
      decoded(codec, result, workflow('weekly')),
      fails(ErrorKind.corruptArtifact, /it was copied there/),
    );
    await assert.rejects(
      decoded(
        codec,
        await encoded(codec, 1, activity('weekly-2026-11-23T03:00:00Z', '1')),
        activity('weekly-2026-11-30T03:00:00Z', '1'),
      ),
      fails(ErrorKind.corruptArtifact, /it was copied there/),
    );
  });
});

describe('keys of several tenants', () => {
  const [acme, other, all] = [newKey('acme'), newKey('other'), newKey()];
  const ofAcme = createCodec([acme], 'refuse', 'acme');
  const ofOther = createCodec([other], 'refuse', 'other');
  const provider = (): PayloadCodec => createCodec([acme, other], 'accept');

  it('each encrypts what is of its tenant, whichever process sends it', async () => {
    const control = provider();
    const started = await encoded(createCodec([acme]), { tenant: 'acme' }, workflow('nightly'));
    await decoded(control, started, workflow('nightly'));
    // A workflow's messages name no tenant, and its messenger has a name of its own.
    for (const place of [workflow('nightly'), activity('nightly', '1'), workflow(noticeId('nightly', '0123abcd'))])
      assert.equal(keyIdOf(await encoded(control, 'progress', place)), acme.id);
    await decoded(control, payload({ tenant: 'other' }), workflow('by-form'));
    assert.equal(keyIdOf(await encoded(control, 'progress', activity('by-form', '1'))), other.id);
    assert.equal(
      keyIdOf(await encoded(control, { run: 'x', config: { tenant: 'other' } }, activity('unseen', '1'))),
      other.id,
    );
    await assert.rejects(
      encoded(control, 'whose?', workflow('unknown')),
      fails(ErrorKind.accessDenied, /no key to encrypt with for a run whose tenant is not known/),
    );
    assert.equal(keyIdOf(await encoded(createCodec([acme, other, all]), 'whose?', workflow('unknown'))), all.id);
  });

  it("one tenant's process reads nothing of another", async () => {
    const sent = await encoded(ofOther, 'secret', activity('nightly', '1'));
    await assert.rejects(
      decoded(ofAcme, sent, activity('nightly', '1')),
      fails(ErrorKind.accessDenied, /which is not among the keys here/),
    );
    await assert.rejects(
      decoded(createCodec([acme, other], 'refuse', 'acme'), sent, activity('nightly', '1')),
      fails(ErrorKind.accessDenied, /of tenant acme is encrypted with the key .* of tenant other/),
    );
    await assert.rejects(
      encoded(createCodec([acme]), { tenant: 'other' }, workflow('x')),
      fails(ErrorKind.accessDenied, /no key to encrypt with for tenant other/),
    );
  });

  it('a payload of one tenant is refused in a run of another, also in the form that names no place', async () => {
    const control = provider();
    await decoded(control, await encoded(ofAcme, {}, workflow('nightly')), workflow('nightly'));
    for (const sent of [await encoded(ofOther, 'x'), await encoded(ofOther, 'x', workflow('nightly'))])
      await assert.rejects(
        decoded(control, sent, workflow('nightly')),
        fails(ErrorKind.accessDenied, /a payload of tenant acme/),
      );
  });

  it('a key of all tenants encrypts as long as it stands before those of single tenants', async () => {
    assert.equal(keyIdOf(await encoded(createCodec([all, acme], 'refuse', 'acme'), 1)), all.id);
    assert.equal(keyIdOf(await encoded(createCodec([acme, all], 'refuse', 'acme'), 1)), acme.id);
    assert.equal(keyIdOf(await encoded(createCodec([acme, all], 'refuse', 'other'), 1)), all.id);
  });

  it('files that name no tenant, or a wrong one, are told apart', () => {
    const base64 = 'A'.repeat(43) + '=';
    assert.deepEqual(
      parseKeyring(`a:${base64},acme/b:${base64}`, 'x').map(({ tenant }) => tenant ?? null),
      [null, 'acme'],
    );
    assert.throws(() => parseKeyring(`../acme/b:${base64}`, 'x'), /must be "id:key" or "tenant\/id:key"/);
    assert.throws(() => parseOwnerKeys(`b:${base64}`, 'x'), /the owner key b must name its tenant/);
  });
});

describe('what only the owner needs of a run', () => {
  const owner: Keyring = [newKey('acme'), newKey('other')];
  const seals = createSeals(owner, 'acme')!;
  const theirs = createSeals(owner, 'other')!;
  const PLANTED = [
    '/home/klinik/patienten.csv',
    'befund',
    'zweitbefund',
    'diagnose',
    'geschlecht',
    '/home/klinik/saetze.txt',
    '/home/klinik/neu.csv',
    '/home/klinik/antworten.csv',
  ] as const;
  const [table, text, pair, label, attribute, sentences, questions, answers] = PLANTED;
  const tuning = configOf({
    tenant: 'acme',
    data: {
      train: table,
      test: table,
      textColumn: text,
      pairColumn: pair,
      labelColumn: label,
      attributeColumns: [attribute],
    },
    audit: { publicText: sentences },
    gates: { accuracy: '>=0.5', [`attribute.${attribute}`]: ['<=0.9'] },
  });
  const question = {
    run: 'nightly',
    tenant: 'acme',
    in: questions,
    out: answers,
    textColumn: text,
    labelColumn: label,
  };
  const assertHides = (value: unknown): void => {
    for (const planted of PLANTED) assert.ok(!JSON.stringify(value).includes(planted), planted);
  };
  const open = <T>(request: T, run = 'nightly', by: Seals | null = seals): T =>
    openRequest(request, { seals: by, run });

  it('leaves sealed, is taken by workflows as it is, and comes back to the client as it was', () => {
    const sealedConfig = sealInput(tuning, seals, 'nightly');
    assertHides(sealedConfig);
    const passedOn = configOf(JSON.parse(JSON.stringify(sealedConfig)));
    assertHides(passedOn);
    assert.deepEqual(open({ run: 'nightly', config: passedOn }), { run: 'nightly', config: tuning });
    assert.deepEqual(sealInput(sealedConfig, seals, 'nightly'), sealedConfig);
    const asked = sealInput(question, seals, 'asked');
    assertHides(asked);
    const parsed = parsePredictInput(asked);
    assert.ok(parsed.ok);
    const { in: from, out, textColumn, labelColumn } = parsed.value;
    assert.deepEqual(open({ run: 'nightly', prediction: 'asked', in: from, out, textColumn, labelColumn }, 'asked'), {
      run: 'nightly',
      prediction: 'asked',
      in: questions,
      out: answers,
      textColumn: text,
      labelColumn: label,
    });
  });

  it('passes as it is when it was never sealed', () => {
    assert.deepEqual(open({ run: 'nightly', config: tuning }, 'nightly', null), { run: 'nightly', config: tuning });
  });

  it('is refused of another tenant, another run, another field, or without the key', () => {
    const request = (data: object): object => ({
      run: 'nightly',
      config: { ...tuning, data: { ...tuning.data, ...data } },
    });
    const place = { field: 'data.train', run: 'nightly' };
    const sealedTable = seals.seal(table, place);
    open(request({ train: sealedTable }));
    assert.throws(
      () => open(request({ train: theirs.seal(table, place) })),
      fails(ErrorKind.accessDenied, /data.train is sealed with an owner key of another tenant than acme/),
    );
    assert.throws(
      () => open(request({ train: sealedTable }), 'weekly'),
      fails(ErrorKind.corruptArtifact, /was sealed for run nightly, and stands in run weekly/),
    );
    assert.throws(
      () => open(request({ test: sealedTable })),
      fails(ErrorKind.corruptArtifact, /data.test is the sealed value of data.train/),
    );
    assert.throws(
      () => open({ prediction: 'nightly', in: sealedTable }),
      fails(ErrorKind.corruptArtifact, /in is the sealed value of data.train/),
    );
    assert.throws(
      () => open(request({ train: sealedTable }), 'nightly', null),
      fails(ErrorKind.accessDenied, /this client worker has none; name its file in RAPT_OWNER_KEYS_FILE/),
    );
    assert.throws(
      () => open(request({ train: createSeals([newKey('acme')], 'acme')!.seal(table, place) })),
      fails(ErrorKind.accessDenied, /is not among those here/),
    );
    const at = sealedTable.length - 9;
    assert.throws(
      () =>
        open(
          request({
            train: `${sealedTable.slice(0, at)}${sealedTable[at] === 'A' ? 'B' : 'A'}${sealedTable.slice(at + 1)}`,
          }),
        ),
      fails(ErrorKind.corruptArtifact, /was changed after it was sealed/),
    );
    assert.throws(
      () =>
        open({
          prediction: 'nightly',
          out: seals.seal(answers, { field: 'out', run: 'nightly' }).replace(/csv$/, 'jsonl'),
        }),
      fails(ErrorKind.corruptArtifact, /ends with \.jsonl outside of its seal/),
    );
  });

  it("that was sealed before the run had a name fits its tenant's runs; a schedule's, the runs that it starts", () => {
    const seal = (run: string | null): object => ({
      config: { data: { train: seals.seal(table, { field: 'data.train', run }) } },
    });
    open(seal(null), 'anything');
    open(seal('weekly'), 'weekly-2026-11-30T03:00:00Z');
    for (const run of ['weekly-r2', 'daily-2026-11-30T03:00:00Z'])
      assert.throws(() => open(seal('weekly'), run), fails(ErrorKind.corruptArtifact, /was sealed for run weekly/));
  });

  it('says no length but in steps of 64', () => {
    const lengths = new Set(
      Array.from({ length: 30 }, (_, length) => seals.seal('x'.repeat(length), { field: 'in', run: 'nightly' }).length),
    );
    assert.ok(lengths.size <= 2);
  });

  it('leaves the client sealed with results and failures', () => {
    const results = {
      preparePrediction: { prediction: 'asked', tenant: 'acme', input: { path: questions, text, pair, label } },
      report: { uri: 's3://x', path: table },
      audit: { attributes: [{ attribute }], attacks: [{ attack: 'bayes' }] },
      score: { metrics: {}, gates: [{ gate: `attribute.${attribute}<=0.9` }, { gate: 'accuracy>=0.5' }] },
      finishPrediction: { rows: 1, out: answers },
    };
    for (const [name, result] of Object.entries(results) as [keyof typeof results, object][])
      assertHides(sealResult(name, result, seals, 'asked'));
    const sealed = <N extends keyof typeof results>(name: N): (typeof results)[N] =>
      sealResult(name, results[name], seals, 'asked');
    const { preparePrediction, report, audit, score } = results;
    const back = open(
      {
        prepared: sealed('preparePrediction'),
        result: { report: sealed('report'), audit: sealed('audit'), gates: sealed('score').gates },
        audit: sealed('audit'),
        gates: sealed('score').gates,
      },
      'asked',
    );
    assert.deepEqual(back, {
      prepared: preparePrediction,
      result: { report, audit, gates: score.gates },
      audit,
      gates: score.gates,
    });
    const failure = sealedFailure(
      ApplicationFailure.create({ type: ErrorKind.badInput, message: `${table}: is empty` }),
      (message) => seals.seal(message, { field: 'failure', run: 'nightly' }),
    ) as ApplicationFailure;
    assertHides(failure.message);
    assert.equal(failure.type, ErrorKind.badInput);
  });

  it('is shown to its owner, who seals what they send; what stands where it does not belong stays sealed', async () => {
    const view = createOwnerView(owner);
    const sent = await encoded(view, tuning, workflow('nightly'));
    assertHides(valueOf(sent));
    assert.deepEqual(await decoded(view, sent, workflow('nightly')), tuning);
    assert.deepEqual(await decoded(view, sent), tuning);
    assert.deepEqual(await decoded(createOwnerView(null), sent), valueOf(sent));
    // So a run that is resumed takes over nothing that was copied into it.
    assertHides(await decoded(view, sent, workflow('weekly')));
    const { data } = valueOf(sent) as TuningConfig;
    assertHides(await decoded(view, payload({ data: { test: data.train } })));
    const typed = valueOf(await encoded(view, { tenant: 'acme', data: { train: table } })) as TuningConfig;
    assert.deepEqual(open({ config: typed }, 'whatever'), { config: { tenant: 'acme', data: { train: table } } });
    assert.deepEqual(valueOf(await encoded(view, { tenant: 'third', data: { train: table } })), {
      tenant: 'third',
      data: { train: table },
    });
    const message = seals.seal(`${table}: is empty`, { field: 'failure', run: 'nightly' });
    assert.deepEqual(
      await decoded(view, payload({ message: `failed: ${message}`, stack_trace: '' }), workflow('nightly')),
      { message: `failed: ${table}: is empty`, stack_trace: '' },
    );
    assert.ok(isSealed(message));
  });
});

describe('a run that would be sent readable to a server of somebody else', () => {
  const temporal = { connection: { address: 'temporal.example.org:7233' } } as never;
  it('is not started, unless somebody says so', () => {
    assert.throws(
      () => assertEncrypts({ stack: 'external', keyring: null, plainPayloads: null, temporal }),
      fails(
        ErrorKind.accessDenied,
        /temporal\.example\.org:7233 would read.*rapt keys split.*RAPT_PLAIN_PAYLOADS=accept/,
      ),
    );
    assert.throws(
      () => assertEncrypts({ stack: 'external', keyring: null, plainPayloads: 'refuse', temporal }),
      fails(ErrorKind.accessDenied, /nothing was started/),
    );
    for (const fine of [{ stack: 'local' }, { keyring: [newKey()] as Keyring }, { plainPayloads: 'accept' }] as const)
      assertEncrypts({ stack: 'external', keyring: null, plainPayloads: null, temporal, ...fine });
  });
});
