/** Nothing that must stay on the client is on the provider's side, whatever fails meanwhile. A thousand marked strings
 *  are planted in texts, attributes, labels, columns and the names of files; runs on the real servers are killed,
 *  refused, cancelled and finished; then everything that the provider holds or was ever sent is searched for the
 *  strings, for noise, for noisy embeddings and for the labels of test rows, in every encoding. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { releaseFolderOf } from '../support/plain-training.ts';
import { createCodec, createOwnerView, newKey } from '../../codec/index.ts';
import {
  canonicalJson,
  clientQueue,
  CONTROL_QUEUE,
  GPU_QUEUE,
  keys,
  MANIFEST_FILE,
  parseTuningConfig,
  WORKFLOW_TYPE,
  type TuningConfig,
  type TuningInput,
  type TuningResult,
} from '../../contracts/index.ts';
import { readKeysFile, writeKeysFile } from '../../settings/index.ts';
import { createMinioStore } from '../../storage/index.ts';
import { temporalBinary } from '../../infra/setup/index.ts';
import { loadEmbeddingTable, loadTokenizer, locateBackbone, type Tokenizer } from '../../rapt/backbone/index.ts';
import { clientSecret, digestOfText } from '../../rapt/ledger/index.ts';
import type { EmbeddingTable } from '../../rapt/privacy/index.ts';
import { sha256Of } from '../../system/index.ts';
import { LeakClient } from '../support/leaks/client.ts';
import { alterManifest, forgeries, replay } from '../support/forgeries.ts';
import { Forger } from '../support/forger.ts';
import { Markers } from '../support/leaks/markers.ts';
import {
  digestNeedles,
  keyedDigestNeedles,
  labelNeedles,
  mixedLabelNeedles,
  noiseOf,
  readNoisyPoints,
  secretNeedles,
  vectorNeedles,
  type NoisyPoints,
} from '../support/leaks/numbers.ts';
import { decrypted, type Watch } from '../support/leaks/places.ts';
import { plantLeaks } from '../support/leaks/plants.ts';
import { LeakProvider } from '../support/leaks/provider.ts';
import { LeakSearch, type Leak, type Place } from '../support/leaks/search.ts';
import {
  CLASSES,
  isTestRow,
  LeakTables,
  NAMES,
  TEST_FRACTION,
  testLabels,
  type LabelledTable,
} from '../support/leaks/marked-tables.ts';
import { giveWord } from '../support/owners-word.ts';
import { dataConverter } from '../../workers/data-converter.ts';
import { childrenOf, eventually, Probe } from '../support/probe.ts';
import { runProgram } from '../support/stack.ts';

const hunt = mkdtempSync(join(tmpdir(), 'rapt-leaks-'));
const pointsFile = join(hunt, 'points');
/** The owner's, and nowhere with the provider. */
const ownerKeysFile = join(hunt, 'owner-keys');
const provider = new LeakProvider();
let tokenizer: Tokenizer;
let embeddings: EmbeddingTable;
let markers: Markers;
let tables: LeakTables;
let client: LeakClient;
let probe: Probe;
let watches: Watch[];

before(
  async () => {
    const { folder } = await locateBackbone('all-MiniLM-L6-v2');
    tokenizer = await loadTokenizer(folder);
    embeddings = loadEmbeddingTable(folder);
    markers = new Markers(tokenizer);
    tables = new LeakTables(join(hunt, markers.plant('folder')), markers);
    await provider.start();
    writeKeysFile(ownerKeysFile, [newKey('local')]);
    client = await LeakClient.open(join(hunt, markers.plant('folder')), provider.record, {
      keysFile: provider.keysFile,
      ownerKeysFile,
      pointsFile,
    });
    await client.start();
    probe = await Probe.connect(
      provider.record.temporal.address,
      dataConverter(readKeysFile(provider.keysFile), undefined, { ownerKeys: readKeysFile(ownerKeysFile) }),
    );
    watches = provider.watch(probe.client.workflowService);
  },
  { timeout: 400_000 },
);
after(
  async () => {
    await Promise.all(watches.map((watch) => watch.stop()));
    await probe.close();
    await client.close();
    await provider.remove();
    rmSync(hunt, { recursive: true, force: true });
  },
  { timeout: 400_000 },
);

/** With the owner's word, so that what is wrong with it is found by those who come after the policy. */
async function begin(type: string, workflowId: string, input: unknown): Promise<WorkflowHandle> {
  await giveWord(client.home, type === WORKFLOW_TYPE.tuning ? 'tuning' : 'prediction', workflowId, input);
  return probe.client.workflow.start(type, { workflowId, taskQueue: CONTROL_QUEUE, args: [input] });
}
const tune = (id: string, input: unknown): Promise<WorkflowHandle> => begin(WORKFLOW_TYPE.tuning, id, input);

/** Why a workflow failed, as its owner reads it. */
async function failureOf(handle: WorkflowHandle): Promise<string> {
  const error: unknown = await handle.result().then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof WorkflowFailedError, `${handle.workflowId} did not fail`);
  return [error.cause?.message, error.cause?.cause instanceof Error ? error.cause.cause.message : ''].join(' ');
}

/** Writes a configuration for the command. */
function configFile(input: unknown): string {
  const path = join(hunt, 'tuning.json');
  writeFileSync(path, JSON.stringify(input));
  return path;
}

const TUNING = {
  epochs: 1,
  batchSize: 16,
  length: 4,
  checkpointEverySteps: 5,
  reconstruction: { plainTokens: 2, vocabularySize: 100, bottleneck: 8 },
} as const;
let marked: LabelledTable;
let markedInput: TuningInput;
let pairs: { readonly train: LabelledTable; readonly test: LabelledTable };
let interruptions: Promise<unknown>;
let results: TuningResult[];
let asked: LabelledTable;

test(
  'the client worker is killed while it privatizes; bad tables and settings are refused',
  { timeout: 600_000 },
  async (t) => {
    marked = tables.csv(460);
    markedInput = {
      data: { train: marked.path, testFraction: TEST_FRACTION, attributeColumns: ['town'], maxTokens: 28 },
      privacy: { eta: 5 },
      audit: { attacks: ['inversion', 'context', 'attributes'], publicText: tables.lines(20), maxTokens: 6000 },
      gates: { 'attribute.town': '<=1' },
      tuning: TUNING,
    };
    assert.equal((await client.rapt('run', '-f', configFile(markedInput), '--id', 'marked')).code, 0);
    await probe.until(
      'marked',
      'privatize',
      ({ running, progress }) => running && ((progress as { rows?: number }).rows ?? 0) > 0,
    );
    await client.end('SIGKILL');
    await client.start();
    pairs = { train: tables.jsonl(96), test: tables.parquet(48) };
    await tune('noisy', {
      data: { train: pairs.train.path, test: pairs.test.path, pairColumn: 'second', maxTokens: 24 },
      privacy: { mechanism: 'laplace', eta: 20 },
      audit: ['inversion'],
      tuning: { ...TUNING, batchSize: 8 },
    });
    interruptions = Promise.all([
      probe.untilStep('marked', 12).then(() => provider.restart('gpu')),
      probe.untilStep('noisy', 4).then(async () => {
        process.kill(
          await eventually('a model process', 30_000, () => childrenOf(provider.pidOf('gpu'))[0]),
          'SIGKILL',
        );
        await provider.restart('minio');
      }),
    ]);
    // Waited for in the next test.
    interruptions.catch(() => undefined);

    const cases = tables.refused();
    const started = await Promise.all(cases.map(([input], at) => tune(`refused-${at}`, input)));
    const failures = await Promise.all(started.map(failureOf));
    for (const [at, [, said]] of cases.entries()) assert.match(failures[at]!, said, `refused-${at}`);
    t.diagnostic(`${cases.length} runs refused`);
    // By the command before anything is started, and by Temporal's own command, for which the codec server encrypts.
    assert.equal((await client.rapt('run', '-f', configFile(cases.at(-1)![0]), '--wait')).code, 2);
    const { temporal, codecUrl } = provider.record;
    await giveWord(client.home, 'tuning', 'by-temporal', cases[0]![0]);
    const env = { ...process.env, TEMPORAL_ADDRESS: temporal.address, TEMPORAL_CODEC_ENDPOINT: codecUrl };
    const execute = [
      'workflow',
      'execute',
      '--type',
      WORKFLOW_TYPE.tuning,
      '--task-queue',
      CONTROL_QUEUE,
      '--workflow-id',
      'by-temporal',
      '--input',
      JSON.stringify(cases[0]![0]),
    ];
    assert.notEqual((await runProgram(temporalBinary(), execute, env)).code, 0);
  },
);

test(
  'runs finish though the GPU worker, its model process and the object store are killed while they train',
  { timeout: 600_000 },
  async (t) => {
    await interruptions;
    results = [await client.json<TuningResult>('watch', 'marked'), await client.json<TuningResult>('watch', 'noisy')];
    for (const { resumed, privacy } of results) {
      t.diagnostic(`${resumed}; ${Math.round((privacy.unchangedRate ?? NaN) * 1000)} of 1000 tokens unchanged`);
      assert.match(resumed ?? '', /attempt \d+: the one before/);
      // So that a marked string does not get through by chance, as leaks/markers.ts reckons.
      assert.ok(privacy.unchangedRate !== null && privacy.unchangedRate < 0.01);
    }
  },
);

test(
  'a run is cancelled after Temporal was killed; every other output is made of marked texts',
  { timeout: 600_000 },
  async () => {
    await tune('cancelled', markedInput);
    await probe.untilStep('cancelled', 3);
    await provider.restart('temporal');
    assert.equal((await client.rapt('cancel', 'cancelled')).code, 0);
    asked = tables.tsv(80);
    const [{ rows }] = await Promise.all([
      client.json<{ rows: number }>(
        'predict',
        '--run',
        'marked',
        '--in',
        asked.path,
        '--out',
        tables.place('.csv'),
        '--label-column',
        'label',
      ),
      client.json('predict', '--run', 'marked', '--text', tables.text('text of a command')),
      client.json('audit', '--run', 'marked', '--attacks', 'inversion'),
      client.json('report', '--run', 'marked'),
      client.json('ledger', '--text', tables.text('text of a command')),
      client.json('privatize', '--in', tables.csv(40).path, '--out', tables.place('.jsonl'), '--eta', '5'),
    ]);
    assert.equal(rows, 80);
  },
);

test(
  'what goes wrong after the tables were looked over ends a run with its reason, or is tried again',
  { timeout: 600_000 },
  async () => {
    const predict = (id: string, input: object): Promise<WorkflowHandle> =>
      begin(WORKFLOW_TYPE.predict, id, { run: 'marked', out: tables.place('.csv'), ...input });
    const small = (train: string): TuningInput => ({
      data: { train, maxTokens: 16 },
      audit: ['inversion'],
      privacy: { eta: 5 },
      tuning: TUNING,
    });
    // Errors that Rapt does not know. Both runs stay, and are tried again until the end.
    await tune('unexpected', small(tables.unknownError()));
    await predict('unexpected-table', { in: tables.unknownError() });

    const endsWith = async (said: RegExp, started: Promise<WorkflowHandle>): Promise<void> => {
      assert.match(await failureOf(await started), said);
    };
    await Promise.all([
      endsWith(
        /would exceed the budget/,
        tune('over-budget', { ...markedInput, privacy: { eta: 6, budget: { perText: 7 } } }),
      ),
      endsWith(/does not exist/, predict('bad-prediction', { in: tables.place('.tsv') })),
      endsWith(/cannot be written/, predict('bad-output', { in: asked.path, out: join(asked.path, 'out.csv') })),
      endsWith(
        /has not finished on this client/,
        predict('of-no-run', { in: asked.path, run: tables.plantForWorkers('setting') }),
      ),
    ]);

    // A table changes while it is privatized, and another one while its run trains.
    const changed = tables.tsv(40).path;
    const changing = await tune('changed', small(changed));
    await probe.until('changed', 'privatize');
    const change = setInterval(() => appendFileSync(changed, `${tables.text('text of a changed row')}\tamber\n`), 200);
    await endsWith(/changed while/, Promise.resolve(changing)).finally(() => clearInterval(change));
    const late = tables.tsv(40).path;
    const training = await tune('changed-late', small(late));
    await probe.until('changed-late', 'train');
    writeFileSync(
      late,
      readFileSync(late, 'utf8')
        .split('\n')
        .filter((_, line) => line !== 5)
        .join('\n'),
    );
    await endsWith(/not those that the release was drawn from/, Promise.resolve(training));

    // A release is damaged on the client's disk, and then it is gone.
    const release = await releaseFolderOf(client.folder, results[0]!.release.sha256);
    writeFileSync(join(release, 'train-00000.parquet'), 'damaged');
    await endsWith(/was changed or damaged/, tune('damaged', markedInput));
    rmSync(release, { recursive: true });
    await endsWith(/were released already/, tune('lost', markedInput));
    for (const [id, type] of [
      ['unexpected', 'inspect'],
      ['unexpected-table', 'preparePrediction'],
    ] as const)
      await eventually(
        `a second attempt of ${id}`,
        60_000,
        async () => ((await probe.pending(id, type))?.attempt ?? 0) > 1,
      );
  },
);

function parsed(input: TuningInput): TuningConfig {
  const result = parseTuningConfig(input);
  assert.ok(result.ok);
  return result.value;
}

test(
  'a malicious provider asks for more, by forged requests, cards and manifests, and gets nothing',
  { timeout: 500_000 },
  async (t) => {
    const { adapter, release } = results[0]!;
    const store = createMinioStore(provider.record.s3);
    const victim = join(hunt, 'letters.csv');
    writeFileSync(victim, 'mine');
    const { releases } = await client.json<{ releases: { localKey: string; released: { digest: string } | null }[] }>(
      'ledger',
    );
    const { localKey } = releases.find(({ released }) => released?.digest === release.sha256)!;
    const key = keys.releasePrefix('local', release.sha256) + MANIFEST_FILE;
    const sizeBytes = (await store.read(key))!.body.length;
    await replay(probe.client, 'marked', 'replayed');

    const card = keys.adapterPrefix('local', adapter.sha256) + 'rapt.json';
    const { body } = (await store.read(card))!;
    await store.put(
      card,
      Buffer.from(
        body
          .toString('utf8')
          .replace(/"eta":[\d.]+/, '"eta":null')
          .replace('"mechanism":"exponential"', '"mechanism":"none"'),
      ),
      { verify: true },
    );
    const predicted = await client.rapt(
      'predict',
      '--run',
      'marked',
      '--in',
      asked.path,
      '--out',
      tables.place('.csv'),
      '--text-column',
      'text',
    );
    assert.notEqual(predicted.code, 0);
    t.diagnostic(`altered card: ${predicted.stderr.trim().split('\n').at(-1)!.slice(0, 80)}`);
    await store.put(card, body, { verify: true });

    const probed = await Probe.connect(provider.record.temporal.address, provider.dataConverter());
    const forger = await Forger.start(probed.client, provider.record.temporal.address, provider.dataConverter());
    try {
      const known = {
        run: 'marked',
        input: markedInput,
        localKey,
        release: { digest: release.sha256, manifest: { bucket: store.bucket, key, sha256: release.sha256, sizeBytes } },
        secret: pairs.train.path,
        victim,
      };
      for (const { what, workflowId, forged, refused } of forgeries(known)) {
        const answer = await forger.ask(workflowId, forged);
        assert.ok('refused' in answer, what);
        assert.match(
          answer.refused.startsWith('sealed:')
            ? await failureOf(probe.client.workflow.getHandle(workflowId))
            : answer.refused,
          refused,
          what,
        );
      }
      const restore = await alterManifest(store, 'local', release.sha256);
      const { tuning, backbone } = parsed(markedInput);
      const request = {
        run: 'altered',
        tenant: 'local',
        release: known.release,
        backbone,
        tuning,
        untilStep: null,
        resumeFrom: [],
      };
      assert.ok('refused' in (await forger.ask('altered', { activity: 'train', taskQueue: GPU_QUEUE, request })));
      await restore();
    } finally {
      await forger.stop();
      await probed.close();
    }
    assert.equal(readFileSync(victim, 'utf8'), 'mine');
    await probe.client.workflow
      .getHandle('replayed')
      .terminate()
      .catch(() => undefined);
  },
);

let seen: Place[];
let points: NoisyPoints;
let releaseKey: Uint8Array;
let search: LeakSearch;

async function* all(more: readonly number[] = []): AsyncGenerator<Place> {
  yield* seen;
  yield* provider.places(probe.client.workflowService, more);
  yield* client.sent();
  yield* client.metrics();
}

const told = (leaks: readonly Leak[]): string[] =>
  leaks.map(
    ({ what, how, kind, place }) =>
      `${what} (${markers.planted.get(what) ?? 'a number'}): ${kind} ${place}, ${how === '' ? 'as it is' : how}`,
  );

test(
  'no text, attribute, test label or name of a file, no noise and no noisy embedding is on the provider side',
  { timeout: 600_000 },
  async (t) => {
    seen = (await Promise.all(watches.map((watch) => watch.stop()))).flat();
    const saw = (kind: string, what: string): boolean =>
      seen.some(
        (place) => place.kind === kind && (place.name.includes(what) || Buffer.from(place.bytes).includes(what)),
      );
    for (const [kind, what] of [
      ['process arguments', 'gpu/model/model-process.ts'],
      ['GPU disk', 'attempts/'],
      ['description', 'unexpected'],
      ['answer to a query', 'marked'],
    ] as const)
      assert.ok(saw(kind, what), `${kind} of ${what} was never seen while runs were under way`);
    points = readNoisyPoints(pointsFile, embeddings);
    assert.ok(
      points.ids.length > 1000 && markers.planted.size >= 1000,
      `${points.ids.length} noisy embeddings, ${markers.planted.size} strings`,
    );
    const drawnAround = points.ids.join(',');
    assert.ok(
      tables.texts.some((text) => drawnAround.includes(tokenizer.encode(text, 10).join(','))),
      'the noisy embeddings are not those of marked texts',
    );
    releaseKey = await clientSecret(client.folder);
    search = new LeakSearch({
      markers,
      tokenizer,
      classes: CLASSES,
      sequences: [
        ...vectorNeedles('noisy embedding', points.embeddings, embeddings),
        ...vectorNeedles('noise', noiseOf(points, embeddings), embeddings),
        ...labelNeedles('labels of test rows', testLabels(marked.labels)),
        ...mixedLabelNeedles('labels of all rows', marked.labels, isTestRow),
        ...labelNeedles('labels of the test table', pairs.test.labels),
        ...labelNeedles('labels of a prediction', asked.labels),
        ...tables.files.flatMap((file) => digestNeedles('a table', readFileSync(file))),
        ...tables.texts.flatMap((text) => digestNeedles('a text', text)),
        ...digestNeedles('a configuration', canonicalJson(parsed(markedInput))),
        ...secretNeedles('release key', releaseKey),
        ...tables.texts.flatMap((text) => keyedDigestNeedles(digestOfText(text, releaseKey))),
      ],
    });
    const began = performance.now();
    const { leaks, places } = await search.search(all());
    const sum = (field: 'count' | 'bytes'): number =>
      [...places.values()].reduce((total, searched) => total + searched[field], 0);
    t.diagnostic(
      `${markers.planted.size} strings planted, looked for in ${markers.encodings.length} encodings; ` +
        `${points.ids.length} noisy embeddings; ${search.needles} needles in all`,
    );
    for (const [kind, { count, bytes }] of places) t.diagnostic(`${kind}: ${count} (${bytes} bytes)`);
    t.diagnostic(
      `${leaks.length} leaks in ${sum('count')} places, ${(sum('bytes') / 2 ** 20).toFixed(0)} MiB, in ` +
        `${((performance.now() - began) / 1000).toFixed(0)} s`,
    );
    assert.deepEqual(told(leaks), []);
    for (const kind of ['exported trace', 'page of metrics'])
      assert.ok((places.get(kind)?.bytes ?? 0) > 10_000, `${kind}: next to nothing was searched`);
    const sent = Buffer.concat(Array.from(client.sent(), ({ bytes }) => bytes));
    for (const known of [clientQueue('local'), 'binary/encrypted', results[0]!.release.sha256])
      assert.ok(sent.includes(known), `what was sent can be read: ${known}`);
  },
);

test(
  "the provider's keys open nothing in the histories; the owner's, names of files and columns, and no text",
  { timeout: 500_000 },
  async () => {
    const ofWorkers = createCodec(readKeysFile(provider.keysFile));
    const service = probe.client.workflowService;
    const read = await search.search(decrypted(service, [ofWorkers], 'forged'));
    // The codec server that encrypted this one was started without the owner's key. Settings, which are not the owner's
    // names, workers must read.
    assert.deepEqual(
      told(
        read.leaks.filter(
          ({ what, place }) =>
            !place.startsWith('by-temporal ') &&
            !tables.toldToWorkers.has(what) &&
            markers.planted.get(what) !== 'setting',
        ),
      ),
      [],
    );
    async function* onClient(): AsyncGenerator<Place> {
      yield* decrypted(service, [ofWorkers, createOwnerView(readKeysFile(ownerKeysFile))], 'forged');
      yield client.log;
    }
    const { leaks } = await search.search(onClient());
    for (const kind of ['decrypted payload', "client's log"])
      assert.ok(
        leaks.some((leak) => leak.kind === kind),
        `no name of a file was found: ${kind}`,
      );
    assert.deepEqual(told(leaks.filter(({ what }) => !NAMES.includes(markers.planted.get(what) ?? ''))), []);
  },
);

test(
  'a leak that is made on purpose is found, on each kind of place and in each encoding',
  { timeout: 500_000 },
  async (t) => {
    const { process: leaking, plants } = await plantLeaks({
      markers,
      tokenizer,
      temporalAddress: client.temporalAddress,
      s3: client.s3,
      stackFolder: provider.folder,
      collector: process.env['OTEL_EXPORTER_OTLP_ENDPOINT']!,
      metricsAddress: provider.record.metrics.control,
      gpuFolder: provider.gpuFolder,
      temporary: provider.temporary,
      embedding: points.embeddings.slice(100, 124),
      noise: noiseOf(points, embeddings).slice(1000, 1024),
      testLabels: testLabels(marked.labels),
      digest: sha256Of(readFileSync(marked.path)),
      releaseKey,
    });
    const { leaks } = await search.search(all([leaking.pid!])).finally(() => leaking.kill());
    for (const { what, kinds, place = /(?:)/, how = /(?:)/ } of plants)
      for (const kind of kinds) {
        const found = leaks.find(
          (leak) => leak.what === what && leak.kind === kind && place.test(leak.place) && how.test(leak.how),
        );
        assert.ok(
          found,
          `${what} was not found: ${kind} ${place}, ${how}; found ` +
            `were\n${told(leaks.filter((leak) => leak.what === what)).join('\n')}`,
        );
        t.diagnostic(told([found]).join(''));
      }
  },
);
