/** Temporal servers that Rapt did not start. Each lack is told in one sentence with a command, which mends it. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Connection, type ConnectionLike } from '@temporalio/client';
import { ErrorKind, GPU_QUEUE } from '../../contracts/index.ts';
import { namedTemporal } from '../../settings/index.ts';
import { createAttributes } from '../../infra/server/fix-commands.ts';
import { examineServer, prepareServer, requireServer, type Lack } from '../../infra/server/index.ts';
import { NEEDED } from '../../infra/server/search-attributes.ts';
import { temporalBinary } from '../../infra/setup/index.ts';
import { createAuthority } from '../support/certificates.ts';
import { temporaryFolder } from '../support/folder.ts';
import { PROGRAM, runProgram, type CommandResult } from '../support/stack.ts';
import { temporalOfFile } from '../support/temporal.ts';
import { startGuardedTemporal, type GuardedTemporal } from '../support/temporal-tls.ts';

const folder = temporaryFolder();
const BASE: NodeJS.ProcessEnv = { PATH: process.env['PATH'], HOME: folder, RAPT_HOME: folder };
const rapt = (env: NodeJS.ProcessEnv, ...args: string[]): Promise<CommandResult> =>
  runProgram(process.execPath, [PROGRAM, ...args], { ...BASE, ...env });

/** Runs what was printed to be pasted. */
async function paste(command: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const script = command
    .replaceAll(/\btemporal operator\b/g, `${temporalBinary()} operator`)
    .replaceAll(/\brapt temporal\b/g, `${process.execPath} ${PROGRAM} temporal`);
  const { code, stdout, stderr } = await runProgram('bash', ['-c', script], { ...BASE, ...env });
  assert.equal(code, 0, `${command}\n${stdout}${stderr}`);
}

/** What the server lacks, seen by a connection of its own. */
async function lacksOf(address: string, namespace = 'default'): Promise<readonly Lack[]> {
  const connection = await Connection.connect({ address });
  try {
    return (await examineServer(connection, { connection: { address }, namespace })).lacks;
  } finally {
    await connection.close();
  }
}

const attributes = (...left: readonly string[]): string[] =>
  NEEDED.filter(({ name }) => !left.includes(name)).flatMap(({ name, type }) => [
    '--search-attribute',
    `${name}=${type === 4 ? 'Double' : 'Keyword'}`,
  ]);

describe('a server that knows nothing of Rapt', { timeout: 300_000 }, async () => {
  const { address } = await temporalOfFile();

  it('lacks the search attributes; the command that is told registers them, once', async () => {
    const [lack, ...others] = await lacksOf(address);
    assert.deepEqual(others, []);
    assert.deepEqual(lack, {
      what: 'search attributes',
      kind: ErrorKind.notFound,
      problem:
        `the namespace default at ${address} lacks the search attributes RaptTenant, RaptStage, RaptMechanism, ` +
        'RaptEta, RaptAccuracy, RaptBackbone, without which no run gets on',
      fix: `rapt temporal init --address ${address} --namespace default`,
    });
    await paste(lack.fix);
    assert.deepEqual(await lacksOf(address), []);
    const again = await rapt({ RAPT_TEMPORAL_ADDRESS: address }, 'temporal', 'init', '--json');
    assert.deepEqual(
      [again.code, JSON.parse(again.stdout)],
      [
        0,
        {
          address,
          namespace: 'default',
          serverVersion: (JSON.parse(again.stdout) as { serverVersion: string }).serverVersion,
          registered: [],
          lacks: [],
        },
      ],
    );
  });

  it('is what the doctor looks at: which workers ask it for work, and how to start the others', async () => {
    const env = {
      RAPT_TEMPORAL_ADDRESS: address,
      RAPT_S3_ENDPOINT: 'http://127.0.0.1:1',
      RAPT_S3_ACCESS_KEY: 'a',
      RAPT_S3_SECRET_KEY: 'b',
    };
    const connection = await Connection.connect({ address });
    const stop = new AbortController();
    const ask = (): Promise<unknown> =>
      connection.workflowService.pollActivityTaskQueue({
        namespace: 'default',
        identity: 'gpu',
        taskQueue: { name: GPU_QUEUE },
      });
    const poll = connection
      .withAbortSignal(stop.signal, () => connection.withDeadline(Date.now() + 60_000, ask))
      .catch(() => undefined);
    const { stdout } = await rapt(env, 'doctor', '--tenant', 'acme', '--json');
    stop.abort();
    await poll;
    await connection.close();
    const { findings } = JSON.parse(stdout) as { findings: { what: string; ok: boolean; fix: string | null }[] };
    assert.deepEqual(
      findings
        .filter(({ what }) => /worker|server|^temporal$|^minio$/.test(what))
        .map(({ what, ok, fix }) => [what, ok, fix]),
      [
        ['control worker', false, 'rapt worker control'],
        ['client worker', false, 'rapt worker client --tenant acme'],
        ['gpu worker', true, null],
      ],
    );
  });

  it('lacks a namespace that it was never told of; the command makes it, and the next one prepares it', async () => {
    const asked = await rapt({ RAPT_TEMPORAL_ADDRESS: address, RAPT_TEMPORAL_NAMESPACE: 'team' }, 'temporal', 'init');
    assert.equal(asked.code, 2, asked.stdout);
    assert.match(asked.stdout, /has no namespace team; correct RAPT_TEMPORAL_NAMESPACE, or make it/);
    assert.doesNotMatch(asked.stdout, /✓/);
    const named = await rapt({ RAPT_TEMPORAL_ADDRESS: address }, 'temporal', 'init', '--namespace', 'team');
    assert.match(named.stdout, /has no namespace team; correct --namespace, or make it/);
    await paste(/→ (.*)/.exec(asked.stdout)![1]!);
    const [lack] = await lacksOf(address, 'team');
    assert.equal(lack?.what, 'search attributes');
    await paste(lack.fix!);
    assert.deepEqual(await lacksOf(address, 'team'), []);
  });

  it('is reported by every command that asks for a run, before anything is started', async () => {
    for (const args of [['run'], ['list'], ['show', 'x'], ['schedule', 'create', 'weekly', '--daily', '03:00']]) {
      const { code, stderr } = await rapt(
        { RAPT_TEMPORAL_ADDRESS: address, RAPT_TEMPORAL_NAMESPACE: 'nowhere' },
        ...args,
      );
      assert.equal(code, 2, stderr);
      assert.match(
        stderr,
        /has no namespace nowhere; .*\. Run: temporal operator namespace create --address .* --namespace nowhere/,
        args[0],
      );
    }
  });
});

describe('a server that has something else', { timeout: 300_000 }, async () => {
  const [otherType, switchedOff] = await Promise.all([
    temporalOfFile('--search-attribute', 'RaptEta=Keyword', ...attributes('RaptEta', 'RaptStage')),
    temporalOfFile('--dynamic-config-value', 'system.enableDeploymentVersions=false', ...attributes()),
  ]);

  it('is told which attribute is of another type; that one is not touched until somebody removes it', async () => {
    const { address } = otherType;
    const told = await rapt({ RAPT_TEMPORAL_ADDRESS: address }, 'temporal', 'init');
    assert.equal(told.code, 2);
    assert.match(
      told.stdout,
      /has the search attribute RaptEta as Keyword where Rapt needs Double; use another namespace, or remove it if .*/,
    );
    const fix = /→ (.*)/.exec(told.stdout)![1]!;
    assert.equal(
      fix,
      `temporal operator search-attribute remove --address ${address} --namespace default --name RaptEta && rapt ` +
        `temporal init --address ${address} --namespace default`,
    );
    await paste(`yes | ${fix}`);
    assert.deepEqual(await lacksOf(address), []);
  });

  it('is told that worker deployments are switched off', async () => {
    const [lack, ...others] = await lacksOf(switchedOff.address);
    assert.deepEqual(others, []);
    assert.match(
      lack!.problem,
      /has no worker deployments on the namespace default, .*; set system\.enableDeploymentVersions to true in its .*$/,
    );
  });
});

describe('a server whose operator is somebody else', { timeout: 300_000 }, () => {
  const authority = createAuthority(folder);
  const ofClient = authority.issue('client');
  let temporal: GuardedTemporal;
  let env: NodeJS.ProcessEnv;
  before(
    async () => {
      temporal = await startGuardedTemporal({
        server: authority.issue('server'),
        authority: authority.cert,
        apiKey: 'planted-key',
      });
      writeFileSync(join(folder, 'key'), 'planted-key\n');
      env = {
        TEMPORAL_ADDRESS: temporal.address,
        TEMPORAL_TLS_SERVER_CA_CERT_PATH: authority.cert,
        TEMPORAL_TLS_CLIENT_CERT_PATH: ofClient.cert,
        TEMPORAL_TLS_CLIENT_KEY_PATH: ofClient.key,
        RAPT_TEMPORAL_API_KEY_FILE: join(folder, 'key'),
      };
    },
    { timeout: 120_000 },
  );
  after(() => temporal.close());

  const OPERATOR = ['ListSearchAttributes', 'AddSearchAttributes', 'RemoveSearchAttributes'];

  it('has the command printed for an administrator; what they registered is seen without their rights', async () => {
    for (const call of OPERATOR) temporal.refused.add(call);
    const told = await rapt(env, 'temporal', 'init');
    assert.equal(told.code, 4, told.stdout + told.stderr);
    assert.match(
      told.stdout,
      /this process may not register search attributes on the namespace default at .*; have somebody do it who may/,
    );
    assert.ok(!told.stdout.includes('planted'));
    const command = /→ (.*)/.exec(told.stdout)![1]!;
    assert.match(
      command,
      /^temporal operator search-attribute create --address localhost:\d+ --namespace default --tls/,
    );
    assert.match(command, / --name RaptTenant --type Keyword --name RaptStage --type Keyword /);
    assert.match(command, / --name RaptBackbone --type Keyword$/);
    // One attribute of the wrong type is told from one that is not there also by who may list none.
    temporal.refused.clear();
    await paste(command.replace(' --name RaptStage --type Keyword', ''), { ...env, TEMPORAL_API_KEY: 'planted-key' });
    await paste(
      `temporal operator search-attribute create --address ${temporal.plainAddress} --namespace default --type ` +
        'Double --name RaptStage',
    );
    for (const call of OPERATOR) temporal.refused.add(call);
    const mistyped = await rapt(env, 'temporal', 'init');
    assert.match(mistyped.stdout, /has the search attribute RaptStage as another type where Rapt needs Keyword/);
    await paste(
      `yes | temporal operator search-attribute remove --address ${temporal.plainAddress} --namespace default ` +
        '--name RaptStage',
    );
    await paste(
      `temporal operator search-attribute create --address ${temporal.plainAddress} --namespace default --type ` +
        'Keyword --name RaptStage',
    );
    const ready = await rapt(env, 'temporal', 'init');
    assert.equal(ready.code, 0, ready.stdout);
    assert.match(ready.stdout, /the search attributes were there already/);
  });

  it('is told that a key may read and not write', async () => {
    temporal.refused.add('RequestCancelWorkflowExecution');
    const told = await rapt(env, 'temporal', 'init');
    assert.equal(told.code, 4);
    assert.match(
      told.stdout,
      /lets this process read the namespace default but not work in it; give .* the right to write there/,
    );
    const connection = await Connection.connect(namedTemporal({ ...BASE, ...env })!.connection);
    await assert.rejects(
      requireServer(connection, namedTemporal({ ...BASE, ...env })!),
      (error: Error & { kind?: string }) => error.kind === ErrorKind.accessDenied,
    );
    await connection.close();
    temporal.refused.clear();
  });

  it("is reported with Temporal Cloud's own command where it is that", () => {
    const cloud = {
      connection: { address: 'ours.a1b2c.tmprl.cloud:7233', tls: true },
      namespace: 'ours.a1b2c',
    } as const;
    assert.equal(
      createAttributes(NEEDED, cloud),
      'tcld namespace search-attributes add --namespace ours.a1b2c --search-attribute "RaptTenant=Keyword" ' +
        '--search-attribute "RaptStage=Keyword" --search-attribute "RaptMechanism=Keyword" --search-attribute ' +
        '"RaptEta=Double" --search-attribute "RaptAccuracy=Double" --search-attribute "RaptBackbone=Keyword"',
    );
  });
});

describe('a server of another version', () => {
  /** Answers as a server of this version that has all the rest. */
  const server = (serverVersion: string): ConnectionLike => {
    const nothing = (): Promise<object> => Promise.resolve({});
    const customAttributes = Object.fromEntries(NEEDED.map(({ name, type }) => [name, type]));
    return {
      workflowService: {
        getSystemInfo: () => Promise.resolve({ serverVersion }),
        describeNamespace: nothing,
        listWorkerDeployments: nothing,
        requestCancelWorkflowExecution: nothing,
      },
      operatorService: { listSearchAttributes: () => Promise.resolve({ customAttributes }) },
      withDeadline: <T>(_: unknown, ask: () => Promise<T>) => ask(),
    } as unknown as ConnectionLike;
  };
  const named = { connection: { address: 'there:7233' }, namespace: 'default' };

  it('is refused when it is too old, and taken when it is new enough or calls itself as it likes', async () => {
    for (const version of ['1.29.1', '1.30.0-149.2', '1.32.0', '2.0.0', 'ours', ''])
      assert.deepEqual((await examineServer(server(version), named)).lacks, [], version);
    for (const version of ['1.29.0', '1.28.9', '0.99.99', '1.24.3-rc1']) {
      const { lacks } = await prepareServer(server(version), named);
      assert.deepEqual(
        lacks.map(({ problem }) => problem),
        [
          `the Temporal server at there:7233 is version ${version}, and Rapt needs 1.29.1 or later, for its worker ` +
            'deployments; upgrade it',
        ],
      );
    }
  });
});
