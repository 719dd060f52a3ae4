/** Faults of the world, on the real servers with what fails put between: a run waits and says for what, or ends and
 *  says what to change. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { minioClient } from '../support/minio-client.ts';
import { PlainTrainer, releaseFolderOf } from '../support/plain-training.ts';
import { keys, parseTuningConfig, type TuningInput, type TuningResult } from '../../contracts/index.ts';
import { down, up } from '../../infra/index.ts';
import { readStack } from '../../settings/index.ts';
import { Ledger } from '../../rapt/ledger/index.ts';
import { CheckpointPointerCell } from '../../storage/index.ts';
import { childrenOf, eventually, Probe, shardsIn } from '../support/probe.ts';
import { startHttpProxy, startTcpProxy, type Answer, type HttpProxy, type TcpProxy } from '../support/proxies.ts';
import { sized } from '../support/size.ts';
import { writeSmallBackbone } from '../support/small-backbone.ts';
import { TestStack } from '../support/stack.ts';
import { writeSentences } from './reviews.ts';
import { inOrder } from '../support/in-order.ts';

const stack = new TestStack();
const clientHome = join(stack.home, 'client', 'local');
const diskIsFull = join(stack.home, 'disk-is-full');
const backbone = join(stack.home, 'backbone');
const trainer = new PlainTrainer(backbone);
let temporal: TcpProxy;
let minio: HttpProxy;
let answer: (request: IncomingMessage) => Answer = () => 'pass';
let probe: Probe;

before(
  async () => {
    process.env['RAPT_HOME'] = stack.home;
    await writeSmallBackbone(backbone);
    await up({ components: ['temporal', 'minio', 'credentials'] });
    const servers = readStack()!;
    temporal = await startTcpProxy(servers.temporal.address);
    minio = await startHttpProxy(servers.s3.endpoint, (request) => answer(request));
    // The workers reach both servers by way of what stands between; the command does not.
    Object.assign(process.env, {
      RAPT_TEMPORAL_ADDRESS: temporal.address,
      RAPT_S3_ENDPOINT: minio.endpoint,
      RAPT_S3_ACCESS_KEY: servers.s3.accessKey,
      RAPT_S3_SECRET_KEY: servers.s3.secretKey,
      RAPT_CODEC_KEYS_FILE: stack.keysFile,
      RAPT_STALL_SECONDS: '20',
    });
    await up({ components: ['control', 'gpu'] });
    const library = join(stack.home, 'full-disk.so');
    const source = fileURLToPath(new URL('../support/full-disk.cc', import.meta.url));
    execFileSync('g++', ['-shared', '-fPIC', '-D_GNU_SOURCE', '-o', library, source, '-ldl']);
    Object.assign(process.env, {
      LD_PRELOAD: library,
      RAPT_FULL_FOLDER: join(clientHome, 'releases'),
      RAPT_FULL_WHILE: diskIsFull,
    });
    await up({ components: ['client'] });
    delete process.env['LD_PRELOAD'];
    probe = await Probe.connect(servers.temporal.address, stack.dataConverter());
  },
  { timeout: 500_000 },
);
after(
  async () => {
    await probe.close();
    minio.close();
    temporal.close();
    await down();
    await stack.remove();
  },
  { timeout: 400_000 },
);

/** Texts that no other test of this file releases. */
let taken = 0;
function inputFor(tuning: TuningInput['tuning'] = {}): TuningInput {
  const rows = 300;
  const train = join(stack.home, `texts-${taken}.tsv`);
  writeSentences(train, taken, rows);
  taken += rows;
  return {
    data: { train, maxTokens: 16 },
    backbone,
    audit: false,
    tuning: {
      epochs: 2,
      batchSize: 8,
      length: 4,
      checkpointEverySteps: 10,
      reconstruction: { plainTokens: 2, vocabularySize: 100, bottleneck: 8 },
      ...tuning,
    },
  };
}

async function start(id: string, input: TuningInput): Promise<void> {
  const file = join(stack.home, `${id}.json`);
  writeFileSync(file, JSON.stringify(input));
  const { code, stderr } = await stack.rapt('run', '-f', file, '--id', id);
  assert.equal(code, 0, stderr);
}

/** The result, which must be that of a training that nothing disturbed. */
async function undisturbedResult(id: string, input: TuningInput, watched = id): Promise<TuningResult> {
  const result = await probe.result(watched);
  const parsed = parseTuningConfig(input);
  assert.ok(parsed.ok);
  const plain = await trainer.train(await releaseFolderOf(clientHome, result.release.sha256), parsed.value.tuning);
  assert.equal(result.adapter.sha256, plain.adapter);
  return result;
}

/** What an operator sees of a run that waits. */
const waiting = (id: string, said: RegExp): Promise<string> =>
  eventually(`run ${id} says ${said}`, 90_000, async () => {
    const { waiting: words } = await stack.json<{ waiting: string | null }>(['show', id]);
    return words !== null && said.test(words) ? words : null;
  });

const workerPid = (): number => readStack()!.processes.gpu!.pid;
const modelPid = (): Promise<number> =>
  eventually('the GPU worker has a model process', 60_000, () => childrenOf(workerPid())[0]);

async function failureOf(id: string): Promise<{ code: number | null; message: string }> {
  const { code, stderr } = await stack.rapt('watch', id);
  return { code, message: stderr };
}

test('MinIO answers 503: the run waits, says so, and goes on by itself', { timeout: 500_000 }, async (t) => {
  const input = inputFor();
  await start('busy', input);
  await probe.untilStep('busy', 3);
  answer = () => ({ status: 503, code: 'SlowDown' });
  t.diagnostic(
    await waiting('busy', /RaptUnavailable|no success \(.*\); is the object store up and reachable from here\?/),
  );
  answer = () => 'pass';
  await undisturbedResult('busy', input);
});

test('MinIO is slow: the run takes longer', { timeout: 500_000 }, async () => {
  const input = inputFor();
  answer = () => ({ waitMs: 150 });
  await start('slow', input);
  await undisturbedResult('slow', input);
  answer = () => 'pass';
});

test(
  'MinIO is full: the run says what to do, and goes on by itself when it is done',
  { timeout: 500_000 },
  async (t) => {
    const input = inputFor();
    await start('full', input);
    await probe.until('full', 'train', () => true);
    answer = () => ({ status: 507, code: 'XMinioStorageFull' });
    t.diagnostic(
      await waiting(
        'full',
        inOrder(
          'has no space left (XMinioStorageFull); add some or remove what is not needed (`rapt gc`)',
          'and the run goes on by itself',
        ),
      ),
    );
    answer = () => 'pass';
    await undisturbedResult('full', input);
  },
);

test('answers of MinIO with a flipped bit are not believed', { timeout: 500_000 }, async () => {
  const input = inputFor();
  // The first two answers to each question are wrong: the first may be that there is no such object.
  const asked = new Map<string, number>();
  answer = ({ method, url }) => {
    const question = `${method} ${url}`;
    const times = (asked.get(question) ?? 0) + 1;
    asked.set(question, times);
    return times <= 2 ? 'flip a bit' : 'pass';
  };
  await start('noise', input);
  await undisturbedResult('noise', input).finally(() => (answer = () => 'pass'));
});

/** How long each is away. */
const OUTAGE_MS = sized(25_000, 120_000);
/** Temporal comes back so much later than MinIO. */
const LATER_MS = sized(10_000, 20_000);

test(
  `MinIO and then Temporal are gone for ${OUTAGE_MS / 1000} s: the run goes on as if nothing had been`,
  { timeout: 800_000 },
  async (t) => {
    const input = inputFor({ epochs: 4 });
    await start('outage', input);
    await probe.untilStep('outage', 5);
    const began = Date.now();
    answer = () => 'break';
    t.diagnostic(await waiting('outage', /is the object store up and reachable from here\?/));
    temporal.setUp(false);
    await sleep(Math.max(0, OUTAGE_MS - (Date.now() - began)));
    answer = () => 'pass';
    await sleep(LATER_MS);
    temporal.setUp(true);
    const restored = Date.now();
    await undisturbedResult('outage', input);
    t.diagnostic(`ended ${((Date.now() - restored) / 1000).toFixed(0)} s after both were back`);
  },
);

test(
  'a truncated release is published again, and training goes on from the checkpoint before a damaged one',
  { timeout: 500_000 },
  async (t) => {
    // Long enough for a slow machine to pause it before its end.
    const input = inputFor({ epochs: 6 });
    await start('damaged', input);
    await eventually(
      'three checkpoints',
      60_000,
      async () =>
        ((await CheckpointPointerCell.open(stack.store(), 'local', 'damaged')).current?.earlier.length ?? 0) >= 2,
    );
    await probe.pause('damaged');
    const store = stack.store();
    const { newest, release } = (await CheckpointPointerCell.open(store, 'local', 'damaged')).current!;
    await damage(newest.files['weights.safetensors'].key, (bytes) =>
      Buffer.concat([bytes.subarray(0, 100), Buffer.from([bytes[100]! ^ 1]), bytes.subarray(101)]),
    );
    await damage(`${keys.releasePrefix('local', release)}train-00000.parquet`, (bytes) =>
      bytes.subarray(0, bytes.length - 7),
    );
    // What the GPU worker has fetched is whole; another one would have to fetch it.
    rmSync(join(stack.home, 'gpu', 'releases', 'local', release), { recursive: true });
    await stack.json(['continue', 'damaged']);
    const { resumed } = await undisturbedResult('damaged', input);
    t.diagnostic(String(resumed));
    assert.match(
      String(resumed),
      new RegExp(
        `^resumed at step \\d+ of \\d+; the checkpoint of step ${newest.step} is damaged ` +
          '\\(.*weights\\.safetensors.*changed or damaged after it was written',
      ),
    );
    const history = await probe.client.workflow.getHandle('damaged').fetchHistory();
    assert.equal(
      history.events!.filter(
        ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name === 'publish',
      ).length,
      2,
    );
  },
);

/** Changes an object behind everybody's back; the digest that is stored with it stays. */
async function damage(key: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  const { s3 } = readStack()!;
  const client = minioClient(s3);
  const { metaData } = await client.statObject(s3.bucket, key);
  const { body } = (await stack.store().read(key))!;
  const changed = change(body);
  await client.putObject(s3.bucket, key, changed, changed.length, {
    'x-amz-meta-sha256': String((metaData as Record<string, unknown>)['sha256']),
  });
}

test('a bit that flipped on the disk of MinIO is noticed', { timeout: 240_000 }, async (t) => {
  const store = stack.store();
  const ref = await store.put('damage/large', Buffer.alloc(3_000_000, 'x'));
  const folder = join(stack.home, 'stack', 'minio', ref.bucket, 'damage', 'large');
  const part = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .find((path) => path.endsWith('part.1'))!;
  const bytes = readFileSync(part);
  bytes[1_000_000] = bytes[1_000_000]! ^ 4;
  writeFileSync(part, bytes);
  await assert.rejects(store.get(ref), (error: Error) => {
    t.diagnostic(error.message);
    return /damage\/large/.test(error.message);
  });
  await store.put('damage/large', Buffer.alloc(3_000_000, 'x'), { verify: true });
  assert.equal((await store.get(ref)).length, 3_000_000);
  truncateSync(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .find((path) => path.endsWith('part.1'))!,
    5000,
  );
  await assert.rejects(store.get(ref), /damage\/large/);
  await store.remove(ref.key);
});

test(
  "the client's disk is full in the midst of a shard: the run waits, and each text is released once",
  { timeout: 500_000 },
  async (t) => {
    const input = inputFor();
    writeFileSync(diskIsFull, '');
    await start('no-space', input);
    t.diagnostic(
      await waiting(
        'no-space',
        inOrder(
          'privatize: attempt ',
          'since the one before failed: no space is left on the disk of the client worker',
          'free some where its RAPT_HOME lies, and the run goes on by itself',
        ),
      ),
    );
    const ledger = new Ledger(clientHome);
    const begun = (await ledger.releases()).filter(({ run }) => run === 'no-space');
    assert.deepEqual(
      begun.map(({ released }) => released),
      [null],
      'its cost is entered, and nothing has left',
    );
    const folder = join(clientHome, 'releases', begun[0]!.localKey);
    assert.deepEqual(shardsIn(folder), { drawn: 0, kept: 0 });
    rmSync(diskIsFull);
    const { release } = await undisturbedResult('no-space', input);
    const entries = (await ledger.releases()).filter(
      ({ run, released }) => run === 'no-space' || released?.digest === release.sha256,
    );
    assert.deepEqual(
      entries.map(({ localKey, released }) => [localKey, released?.digest]),
      [[begun[0]!.localKey, release.sha256]],
    );
    assert.deepEqual(shardsIn(folder), { drawn: 2, kept: 2 });
    assert.deepEqual(readdirSync(join(folder, 'tmp')), []);
  },
);

test(
  'a loss that becomes NaN ends the run, names the step and what to change, and keeps the last checkpoint',
  { timeout: 400_000 },
  async (t) => {
    const input = inputFor({ learningRate: 1e30, headLearningRate: 1e30, warmup: 0.5, checkpointEverySteps: 1 });
    await start('diverges', input);
    const { code, message } = await failureOf('diverges');
    t.diagnostic(message.trim().split('\n').slice(-2).join(' '));
    assert.equal(code, 1);
    assert.match(
      message,
      inOrder(
        'the loss is no longer a number at step ',
        'its last checkpoint stays. Lower tuning.learningRate, or raise tuning.warmup',
        'start a new run: it uses the same release',
      ),
    );
    const step = Number(/at step (\d+)/.exec(message)![1]);
    const { current } = await CheckpointPointerCell.open(stack.store(), 'local', 'diverges');
    assert.equal(current?.newest.step ?? 0, step - 1);
  },
);

test(
  'a trainer that is killed for memory is started again, says what to lower, and gives up at last',
  { timeout: 240_000 },
  async (t) => {
    const input = inputFor({ epochs: 3, checkpointEverySteps: 1000 });
    await start('memory', input);
    for (let kills = 0; kills < 3; kills++) {
      await probe.until('memory', 'train', ({ attempt, running }) => running && attempt > kills);
      const pid = await eventually(
        'a new model process',
        60_000,
        async () => ((await probe.pending('memory', 'train'))?.attempt ?? 0) > kills && childrenOf(workerPid())[0],
      );
      process.kill(pid, 'SIGKILL');
      if (kills === 0)
        t.diagnostic(
          await waiting(
            'memory',
            /was killed by SIGKILL.*if the machine ran out of memory, lower tuning\.batchSize or data\.maxTokens/,
          ),
        );
    }
    const { code, message } = await failureOf('memory');
    t.diagnostic(message.trim().split('\n').slice(-2).join(' '));
    assert.equal(code, 1);
    assert.match(
      message,
      inOrder(
        'was killed by SIGKILL',
        'That was crash 3 before the first checkpoint',
        '`rapt resume memory` goes on from there once the cause is mended',
      ),
    );
    await stack.json(['resume', 'memory']);
    await undisturbedResult('memory', input, 'memory-r2');
  },
);

test('a trainer that hangs is noticed, killed and replaced', { timeout: 500_000 }, async (t) => {
  const input = inputFor({ epochs: 3 });
  await start('hangs', input);
  await probe.untilStep('hangs', 3);
  process.kill(await modelPid(), 'SIGSTOP');
  const words = await waiting(
    'hangs',
    /was killed, since it said nothing for 20 s after step \d+; .*, raise RAPT_STALL_SECONDS of the GPU worker/,
  );
  t.diagnostic(words);
  const { resumed } = await undisturbedResult('hangs', input);
  assert.match(resumed!, /attempt 2: the one before failed: the model process was killed, since it said nothing/);
});
