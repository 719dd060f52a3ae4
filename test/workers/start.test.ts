/** Workers that cannot start end, with a reason and a code; workers that are told to stop do so, whatever they are
 *  about. */
import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { NativeConnection } from '@temporalio/worker';
import { DEPLOYMENT_NAME } from '../../contracts/index.ts';
import { down, up } from '../../infra/index.ts';
import { readStack } from '../../settings/index.ts';
import { TestStack } from '../support/stack.ts';
import { WorkerProcess } from '../support/worker-process.ts';

const CLOSED = '127.0.0.1:1';
const KINDS = ['control', 'client', 'gpu'] as const;

const stack = new TestStack();
let servers: NonNullable<ReturnType<typeof readStack>>;
/** Takes what it is sent and never answers. */
let silent: Server;
const held = new Set<Socket>();

before(
  async () => {
    process.env['RAPT_HOME'] = stack.home;
    await up({ components: ['temporal', 'minio'] });
    servers = readStack()!;
    silent = createServer((socket) => held.add(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  },
  { timeout: 240_000 },
);
after(
  async () => {
    for (const socket of held) socket.destroy();
    silent.close();
    await down();
    await stack.remove();
  },
  { timeout: 240_000 },
);

const silentAddress = (): string => `127.0.0.1:${(silent.address() as AddressInfo).port}`;

/** @param settings beside those that lead to the servers of this file. */
function worker(args: readonly string[], settings: NodeJS.ProcessEnv = {}): WorkerProcess {
  const { temporal, s3 } = servers;
  return new WorkerProcess(args, {
    ...stack.environment(),
    RAPT_TEMPORAL_ADDRESS: temporal.address,
    RAPT_S3_ENDPOINT: s3.endpoint,
    RAPT_S3_BUCKET: 'rapt-start',
    RAPT_S3_ACCESS_KEY: s3.accessKey,
    RAPT_S3_SECRET_KEY: s3.secretKey,
    RAPT_CODEC_KEYS_FILE: stack.keysFile,
    ...settings,
  });
}

/** Starts workers of these kinds side by side, each of which must end by itself. */
async function refused(kinds: readonly string[], settings: NodeJS.ProcessEnv, said: RegExp, code = 4): Promise<void> {
  const ends = await Promise.all(kinds.map((kind) => worker([kind], settings).end()));
  for (const [index, { code: found, output }] of ends.entries()) {
    assert.equal(found, code, `${kinds[index]}: ${output}`);
    assert.match(output, said, kinds[index]);
    assert.doesNotMatch(output, /worker ready/);
  }
}

describe('a worker ends with a code and one sentence', { concurrency: 3 }, () => {
  it('when the store is down', { timeout: 120_000 }, () =>
    refused(
      ['client', 'gpu'],
      { RAPT_S3_ENDPOINT: `http://${CLOSED}` },
      /no success \(ECONNREFUSED\); is the object store up and reachable from here\?/,
    ),
  );
  it('when the store takes requests and never answers', { timeout: 120_000 }, () =>
    refused(
      ['gpu'],
      { RAPT_S3_ENDPOINT: `http://${silentAddress()}` },
      /the object store at http:\/\/127\.0\.0\.1:\d+ does not answer \(nothing for 15 s\)/,
    ),
  );
  it('when the store refuses its keys', { timeout: 120_000 }, () =>
    refused(
      ['client', 'gpu'],
      { RAPT_S3_SECRET_KEY: 'wrong-secret-key' },
      /refused \(SignatureDoesNotMatch\); check RAPT_S3_ACCESS_KEY and RAPT_S3_SECRET_KEY/,
    ),
  );
  it('when the issuer of its keys is away', { timeout: 120_000 }, () => {
    const keys = {
      RAPT_S3_ACCESS_KEY: '',
      RAPT_S3_SECRET_KEY: '',
      RAPT_S3_CREDENTIALS_URL: `http://${CLOSED}/credentials`,
      RAPT_S3_CREDENTIALS_TOKEN: 'token',
    };
    return refused(['client'], keys, /127\.0\.0\.1:1/);
  });
  it('when Temporal is down', { timeout: 120_000 }, () =>
    refused(KINDS, { RAPT_TEMPORAL_ADDRESS: CLOSED }, /no Temporal server answers at 127\.0\.0\.1:1 \(ECONNREFUSED\)/),
  );
  it('when what listens is not Temporal, and says nothing', { timeout: 120_000 }, () =>
    refused(['client'], { RAPT_TEMPORAL_ADDRESS: silentAddress() }, /no Temporal server answers at/),
  );
  it('when its settings cannot be followed', { timeout: 120_000 }, () =>
    refused(['client'], { RAPT_LOG_LEVEL: 'LOUD' }, /RAPT_LOG_LEVEL: must be one of/, 2),
  );
  it('when its namespace does not exist', { timeout: 120_000 }, async () => {
    const { code, output } = await worker(['control'], { RAPT_TEMPORAL_NAMESPACE: 'nowhere' }).end();
    assert.ok(code !== null && code > 0, output);
    assert.match(output, /nowhere/);
  });
});

describe('a worker that is told to stop', { concurrency: 3 }, () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    it(`ends by ${signal} while it starts`, { timeout: 60_000 }, async () => {
      const starting = worker(['client'], { RAPT_S3_ENDPOINT: `http://${silentAddress()}` });
      // It has come to its store, and waits for it.
      await new Promise((resolve) => silent.once('connection', resolve));
      starting.signal(signal);
      const { code, signal: by } = await starting.end();
      assert.deepEqual([code, by], [null, signal]);
    });

  for (const kind of KINDS)
    it(`ends by two signals in a row as by one: ${kind}`, { timeout: 60_000 }, async () => {
      const ready = worker([kind]);
      await ready.says(/worker ready/);
      ready.signal('SIGTERM');
      ready.signal('SIGTERM');
      const { code, output } = await ready.end();
      assert.equal(code, 0, output);
      // The first line of one that runs models says on what.
      if (kind === 'gpu')
        assert.match(output, /gpu worker runs models on: \S.* \(TensorFlow .*\)\n[^]*gpu worker ready/);
    });
});

describe('the version on which new runs begin', () => {
  const deployment = { namespace: 'default', deploymentName: DEPLOYMENT_NAME };

  async function asking<T>(ask: (service: NativeConnection['workflowService']) => Promise<T>): Promise<T> {
    const connection = await NativeConnection.connect({ address: servers.temporal.address });
    try {
      return await ask(connection.workflowService);
    } finally {
      await connection.close();
    }
  }

  async function current(): Promise<string | undefined | null> {
    const { workerDeploymentInfo } = await asking((service) => service.describeWorkerDeployment(deployment));
    return workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId;
  }

  async function runs(...args: string[]): Promise<{ output: string; current: string | undefined | null }> {
    const running = worker(['control', ...args]);
    await running.says(/worker ready/);
    const found = await current();
    running.signal('SIGTERM');
    const { code, output } = await running.end();
    assert.equal(code, 0, output);
    return { output, current: found };
  }

  it(
    'is that of a worker with a new version; one that was replaced takes it back only when asked',
    { timeout: 240_000 },
    async () => {
      assert.equal((await runs('--build-id', 'old')).current, 'old');
      assert.equal((await runs('--build-id', 'old')).current, 'old', 'the current one is started again');
      assert.equal((await runs('--build-id', 'new')).current, 'new');
      const again = await runs('--build-id', 'old');
      assert.equal(again.current, 'new');
      assert.match(again.output, /version old was replaced by new, on which new runs begin;.*--promote/);
      assert.equal((await runs('--build-id', 'quiet', '--no-promote')).current, 'new');
      assert.equal((await runs('--build-id', 'quiet')).current, 'quiet', 'it has never been current');
      assert.equal((await runs('--build-id', 'old', '--promote')).current, 'old');
    },
  );

  it(
    'is not changed where somebody else manages the versions: the worker ends, and says how it may start',
    { timeout: 120_000 },
    async () => {
      const manage = (managerIdentity: string): Promise<unknown> =>
        asking((service) =>
          service.setWorkerDeploymentManager({ ...deployment, managerIdentity, identity: 'release-bot' }),
        );
      await manage('release-bot');
      const { code, output } = await worker(['control', '--build-id', 'newest']).end();
      assert.equal(code, 4, output);
      assert.match(
        output,
        /only "release-bot" may change the versions of the deployment rapt; start this worker with --no-promote/,
      );
      assert.equal((await runs('--build-id', 'newest', '--no-promote')).current, 'old');
      await manage('');
    },
  );
});
