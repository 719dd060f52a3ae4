/** Connections to a Temporal server that asks for TLS, a client certificate and an API key, by Temporal's own
 *  variables: of the command and of workers. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttp1 } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { Client } from '@temporalio/client';
import { connectTemporal } from '../../cli/temporal/connection.ts';
import { ErrorKind, type RaptError } from '../../contracts/index.ts';
import { explainConnection } from '../../infra/index.ts';
import { namedTemporal, resolveServices } from '../../settings/index.ts';
import { connect } from '../../workers/serve.ts';
import { createAuthority } from '../support/certificates.ts';
import { temporaryFolder } from '../support/folder.ts';
import { eventually } from '../support/probe.ts';
import { PROGRAM, runProgram } from '../support/stack.ts';
import { startGuardedTemporal, type GuardedTemporal } from '../support/temporal-tls.ts';

const folder = temporaryFolder();
const authority = createAuthority(folder);
const stranger = createAuthority(folder, 'stranger');
const [ofServer, ofClient, ofStranger] = [
  authority.issue('server'),
  authority.issue('client'),
  stranger.issue('somebody'),
];
const API_KEY = 'planted-key-1';
const WRONG_KEY = 'planted-key-2';
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content, { mode: 0o600 });
  return join(folder, name);
};
const keyFile = file('api-key', `${API_KEY}\n`);
/** Nothing of the machine on which the tests run. */
const BASE = { PATH: process.env['PATH'], HOME: folder, RAPT_HOME: folder };
process.env['RAPT_HOME'] = folder;

let temporal: GuardedTemporal;
let right: NodeJS.ProcessEnv;
before(
  async () => {
    temporal = await startGuardedTemporal({ server: ofServer, authority: authority.cert, apiKey: API_KEY });
    right = {
      ...BASE,
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: authority.cert,
      TEMPORAL_TLS_CLIENT_CERT_PATH: ofClient.cert,
      TEMPORAL_TLS_CLIENT_KEY_PATH: ofClient.key,
      RAPT_TEMPORAL_API_KEY_FILE: keyFile,
    };
  },
  { timeout: 400_000 },
);
after(() => temporal.close());

describe('a Temporal server that asks for TLS, a certificate and a key', { timeout: 500_000 }, () => {
  it('is reached by the command and by workers', async () => {
    const services = resolveServices(right);
    const passed = temporal.passed();
    const connection = await connectTemporal(services);
    const { namespace } = services.temporal;
    const found: string[] = [];
    for await (const { workflowId } of new Client({ connection, namespace }).workflow.list()) found.push(workflowId);
    assert.deepEqual(found, []);
    const native = await connect(services);
    assert.equal((await native.workflowService.describeNamespace({ namespace })).namespaceInfo?.name, 'default');
    await Promise.all([connection.close(), native.close()]);
    assert.ok(temporal.passed() >= passed + 4, 'all of it went by way of what asks');
  });

  it('is reached by a profile of a file, and by certificates that stand in variables', async () => {
    const profile = file(
      'temporal.toml',
      `[profile.ours]\naddress = "${temporal.address}"\napi_key = ` +
        `"${API_KEY}"\n[profile.ours.tls]\nserver_ca_cert_path = "${authority.cert}"\nclient_cert_path = ` +
        `"${ofClient.cert}"\nclient_key_path = "${ofClient.key}"\n`,
    );
    const data = {
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_API_KEY: API_KEY,
      TEMPORAL_TLS_SERVER_CA_CERT_DATA: readFileSync(authority.cert, 'utf8'),
      TEMPORAL_TLS_CLIENT_CERT_DATA: readFileSync(ofClient.cert, 'utf8'),
      TEMPORAL_TLS_CLIENT_KEY_DATA: readFileSync(ofClient.key, 'utf8'),
    };
    for (const env of [
      { ...BASE, TEMPORAL_CONFIG_FILE: profile, TEMPORAL_PROFILE: 'ours' },
      { ...BASE, ...data },
    ]) {
      await (await connectTemporal(resolveServices(env))).close();
      await (await connect(resolveServices(env))).close();
    }
  });

  it('has a worker of the command at work on it, whose arguments and messages hold no secret', async () => {
    const prepared = await runProgram(process.execPath, [PROGRAM, 'temporal', 'init'], right);
    assert.equal(prepared.code, 0, prepared.stdout + prepared.stderr);
    const worker = spawn(process.execPath, [PROGRAM, 'worker', 'control'], {
      env: right,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [worker.stdout, worker.stderr])
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await eventually(
      'the worker is ready',
      120_000,
      () =>
        said.includes(`control worker ready: task queue rapt of namespace default at ${temporal.address}`) ||
        (worker.exitCode !== null && Promise.reject(new Error(said))),
    );
    const cannot = await runProgram(process.execPath, [PROGRAM, 'show', 'none'], right);
    assert.deepEqual([cannot.code, /there is no run none/.test(cannot.stderr)], [2, true], cannot.stderr);
    worker.kill('SIGTERM');
    await once(worker, 'exit');
    assert.ok(!said.includes('planted'));
  });

  for (const { without, change, kind, says } of [
    {
      without: 'no client certificate',
      change: () => ({ TEMPORAL_TLS_CLIENT_CERT_PATH: '', TEMPORAL_TLS_CLIENT_KEY_PATH: '' }),
      kind: ErrorKind.accessDenied,
      says: /asks for a client certificate; set .*_CERT_PATH and .*_KEY_PATH \(ERR_SSL_\w*CERTIFICATE_REQUIRED\)/,
    },
    {
      without: 'a client certificate of another authority',
      change: () => ({ TEMPORAL_TLS_CLIENT_CERT_PATH: ofStranger.cert, TEMPORAL_TLS_CLIENT_KEY_PATH: ofStranger.key }),
      kind: ErrorKind.accessDenied,
      says: /refused the client certificate of TEMPORAL_TLS_CLIENT_CERT_PATH; .*, and has it not expired\?/,
    },
    {
      without: 'a wrong API key',
      change: () => ({ RAPT_TEMPORAL_API_KEY_FILE: file('wrong-key', WRONG_KEY) }),
      kind: ErrorKind.accessDenied,
      says: /refused the API key; correct RAPT_TEMPORAL_API_KEY_FILE or .* a key that covers the namespace default/,
    },
    {
      without: 'no API key',
      change: () => ({ RAPT_TEMPORAL_API_KEY_FILE: '' }),
      kind: ErrorKind.accessDenied,
      says: /asks for an API key; give one by RAPT_TEMPORAL_API_KEY_FILE or TEMPORAL_API_KEY/,
    },
    {
      without: 'an authority that does not vouch for the server',
      change: () => ({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: stranger.cert }),
      kind: ErrorKind.unavailable,
      says: /the certificate of the Temporal server at .* is not trusted \(\w+\); name .* in .*_SERVER_CA_CERT_PATH/,
    },
    {
      without: 'no authority',
      change: () => ({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: '' }),
      kind: ErrorKind.unavailable,
      says: /is not trusted \((SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE)\)/,
    },
    {
      without: 'another name of the server',
      change: () => ({ TEMPORAL_TLS_SERVER_NAME: 'temporal.example.org' }),
      kind: ErrorKind.unavailable,
      says: /is not trusted \(ERR_TLS_CERT_ALTNAME_INVALID\).*and the server's name in TEMPORAL_TLS_SERVER_NAME/,
    },
    {
      without: 'no TLS',
      change: () => ({ TEMPORAL_TLS: 'false' }),
      kind: ErrorKind.badInput,
      says: /^TEMPORAL_TLS: the Temporal server at .* speaks TLS only; set it to true, and .*_SERVER_CA_CERT_PATH/,
    },
    {
      without: 'TLS, where nobody speaks it',
      change: () => ({ TEMPORAL_ADDRESS: temporal.plainAddress }),
      kind: ErrorKind.badInput,
      says: /^TEMPORAL_TLS: what listens at .* does not speak TLS; correct the address, or leave out TEMPORAL_TLS\*/,
    },
    {
      without: 'a key in place of the certificate',
      change: () => ({ TEMPORAL_TLS_CLIENT_CERT_PATH: keyFile }),
      kind: ErrorKind.badInput,
      says: /^TEMPORAL_TLS_\*: a certificate or a key is not in PEM/,
    },
    {
      without: 'an address where nobody is',
      change: () => ({ TEMPORAL_ADDRESS: '127.0.0.1:9' }),
      kind: ErrorKind.unavailable,
      says: /no Temporal server answers at 127\.0\.0\.1:9 \(ECONNREFUSED\); start the local one with `rapt up`/,
    },
  ] as const)
    it(`is not reached with ${without}, and both are told what to change`, async () => {
      const services = resolveServices({ ...right, ...change() });
      const outcomes = await Promise.allSettled([connectTemporal(services), connect(services)]);
      for (const outcome of outcomes) {
        assert.equal(outcome.status, 'rejected');
        const error = outcome.reason as RaptError;
        assert.equal(error.kind, kind, error.message);
        assert.match(error.message, says);
        assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes('planted'), 'no key in an error');
      }
    });

  it('comes with no warning of Node about an address that is a number', async () => {
    const { code, stderr } = await runProgram(process.execPath, [PROGRAM, 'show', 'x'], {
      ...right,
      TEMPORAL_ADDRESS: temporal.plainAddress,
      TEMPORAL_TLS_SERVER_NAME: '',
    });
    assert.equal(code, 2);
    assert.doesNotMatch(stderr, /Warning/);
  });

  it('ends the command with 4 when it refuses a key, and with 2 when the settings cannot be used', async () => {
    const run = (env: NodeJS.ProcessEnv, ...args: string[]) =>
      runProgram(process.execPath, [PROGRAM, ...args], { ...right, ...env });
    const [show, worker, half] = await Promise.all([
      run({ RAPT_TEMPORAL_API_KEY_FILE: file('wrong-key', WRONG_KEY) }, 'show', 'x'),
      run({ TEMPORAL_TLS_CLIENT_CERT_PATH: '', TEMPORAL_TLS_CLIENT_KEY_PATH: '' }, 'worker', 'control'),
      run({ TEMPORAL_TLS_CLIENT_KEY_PATH: '' }, 'show', 'x'),
    ]);
    assert.deepEqual([show.code, worker.code, half.code], [4, 4, 2], show.stderr + worker.stderr + half.stderr);
    assert.match(show.stderr, /refused the API key/);
    assert.match(worker.stderr, /asks for a client certificate/);
    assert.match(half.stderr, /^TEMPORAL_TLS_CLIENT_KEY_PATH: is needed: a client certificate and its key go together/);
    for (const { stderr } of [show, worker, half]) assert.ok(!stderr.includes('planted'));
  });
});

describe('what the environment says of Temporal', () => {
  const address = (env: NodeJS.ProcessEnv): string | undefined =>
    namedTemporal({ ...BASE, ...env })?.connection.address;
  const userFile = join(folder, '.config', 'temporalio', 'temporal.toml');
  before(() => {
    mkdirSync(join(folder, '.config', 'temporalio'), { recursive: true });
    writeFileSync(
      userFile,
      '[profile.default]\naddress = "cloud.example.org:7233"\nnamespace = "of-somebody"\napi_key = "planted"\n',
    );
  });

  it('is nothing, whatever else the user has set up for Temporal: the local stack is meant', () => {
    assert.equal(namedTemporal(BASE), null, 'the file of the home folder is not asked for');
    assert.equal(
      namedTemporal({ ...BASE, TEMPORAL_API_KEY: 'planted', TEMPORAL_TLS: 'true', TEMPORAL_NAMESPACE: 'x' }),
      null,
    );
    assert.equal(namedTemporal({ ...BASE, TEMPORAL_ADDRESS: '', RAPT_TEMPORAL_ADDRESS: '' }), null);
  });

  it("is a server, by Temporal's variables, and by ours before them", () => {
    assert.equal(address({ TEMPORAL_ADDRESS: 'there:7233' }), 'there:7233');
    assert.equal(address({ TEMPORAL_ADDRESS: 'there:7233', RAPT_TEMPORAL_ADDRESS: 'here:7233' }), 'here:7233');
    assert.equal(address({ TEMPORAL_ADDRESS: '[::1]:7233' }), '[::1]:7233');
    assert.deepEqual(
      namedTemporal({ ...BASE, TEMPORAL_PROFILE: 'default' }),
      { connection: { address: 'cloud.example.org:7233', tls: true, apiKey: 'planted' }, namespace: 'of-somebody' },
      'a key goes by TLS alone',
    );
    assert.equal(address({ TEMPORAL_PROFILE: 'default', RAPT_TEMPORAL_ADDRESS: 'here:7233' }), 'here:7233');
    assert.equal(
      namedTemporal({
        ...BASE,
        TEMPORAL_PROFILE: 'default',
        RAPT_TEMPORAL_NAMESPACE: 'ours',
        TEMPORAL_NAMESPACE: 'theirs',
      })?.namespace,
      'ours',
    );
    assert.equal(
      namedTemporal({
        ...BASE,
        TEMPORAL_ADDRESS: 'there:7233',
        TEMPORAL_API_KEY: 'theirs',
        RAPT_TEMPORAL_API_KEY: 'ours',
      })?.connection.apiKey,
      'ours',
    );
    const meta = namedTemporal({ ...BASE, TEMPORAL_ADDRESS: 'there:7233', TEMPORAL_GRPC_META_X_TEAM: 'a' })?.connection
      .metadata;
    assert.deepEqual(meta, { 'x-team': 'a' });
  });

  it('is refused when it cannot be used, and never quoted', () => {
    const at = { ...BASE, TEMPORAL_ADDRESS: 'there:7233' };
    const broken = file('broken.toml', '[profile.default]\naddress = "there:7233"\napi_key = "planted\n');
    for (const [env, says] of [
      [
        { ...at, TEMPORAL_CONFIG_FILE: join(folder, 'none.toml') },
        /^TEMPORAL_CONFIG_FILE: .*none\.toml does not exist$/,
      ],
      ...['there', 'http://there:7233', 'there:', 'there:7233/', '::1:7233', '[::1]'].map(
        (address) =>
          [
            { ...BASE, TEMPORAL_ADDRESS: address },
            /^TEMPORAL_ADDRESS: must be host:port, such as temporal\.example\.org:7233, without a scheme$/,
          ] as const,
      ),
      [{ ...BASE, RAPT_TEMPORAL_ADDRESS: 'planted' }, /^RAPT_TEMPORAL_ADDRESS: must be host:port/],
      [{ ...at, TEMPORAL_CONFIG_FILE: broken }, /^TEMPORAL_CONFIG_FILE: line 3 of the file is not TOML$/],
      [{ ...at, TEMPORAL_PROFILE: 'none' }, /^TEMPORAL_PROFILE: Profile 'none' not found/],
      [
        { ...at, TEMPORAL_TLS_CLIENT_CERT_PATH: ofClient.cert },
        /^TEMPORAL_TLS_CLIENT_KEY_PATH: is needed: a client certificate and its key go together$/,
      ],
      [{ ...at, TEMPORAL_TLS_CLIENT_KEY_DATA: 'planted' }, /^TEMPORAL_TLS_CLIENT_CERT_PATH: is needed/],
      [
        { ...at, TEMPORAL_TLS_SERVER_CA_CERT_PATH: join(folder, 'none.pem') },
        /^TEMPORAL_TLS_\*: .*none\.pem cannot be read \(ENOENT\)$/,
      ],
      [
        { ...at, TEMPORAL_TLS_CLIENT_CERT_PATH: ofClient.cert, TEMPORAL_TLS_CLIENT_CERT_DATA: 'planted' },
        /^TEMPORAL_CONFIG_FILE: Cannot specify both client_cert_path and client_cert_data$/,
      ],
      [
        { ...at, TEMPORAL_API_KEY: 'planted\nkey' },
        /^TEMPORAL_API_KEY: holds blanks, line breaks or other characters that no key has$/,
      ],
      [
        { ...at, RAPT_TEMPORAL_API_KEY: 'planted', RAPT_TEMPORAL_API_KEY_FILE: keyFile },
        /^RAPT_TEMPORAL_API_KEY_FILE: RAPT_TEMPORAL_API_KEY is set as well/,
      ],
    ] as const)
      assert.throws(
        () => namedTemporal(env),
        (error: RaptError) => {
          assert.equal(error.kind, ErrorKind.badInput, inspect(error));
          assert.match(error.message, says);
          assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes('planted'));
          return true;
        },
      );
  });
});

describe('what listens in place of a Temporal server, or is one that does not get to its answer', () => {
  for (const { what, server, says } of [
    { what: 'HTTP/1', server: createHttp1(), says: /\(something else listens there\)/ },
    {
      what: 'HTTP/2',
      server: createHttp2(),
      says: /\(it took the connection, but said no more in time: it may still be starting, or be overloaded\)/,
    },
  ])
    it(`is told by how it speaks: ${what}`, async () => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      const { kind, message } = await explainConnection(new Error('Failed to connect before the deadline'), {
        connection: { address },
        namespace: 'default',
      });
      server.close();
      assert.equal(kind, ErrorKind.unavailable);
      assert.match(message, says);
    });
});
