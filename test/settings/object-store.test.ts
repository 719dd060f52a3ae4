/** Which keys a process uses for the object store, and how it gets its own from an issuer that runs elsewhere. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { keys } from '../../contracts/index.ts';
import { freePort } from '../../infra/stack/ports.ts';
import { createMinioStore, type Role } from '../../storage/index.ts';
import { ask } from '../support/ask.ts';
import { temporaryFolder } from '../support/folder.ts';
import { minioOfFile } from '../support/minio.ts';
import { eventually } from '../support/probe.ts';
import { PROGRAM, runProgram, type CommandResult } from '../support/stack.ts';

const home = temporaryFolder();
process.env['RAPT_HOME'] = home;
const { resolveAdministration, resolveServices, resolveStore } = await import('../../settings/index.ts');
const { readStack } = await import('../../settings/stack-record.ts');
const { stackToken, stackTokenFile } = await import('../../settings/grant-files.ts');
const { knownLenderSecret, lenderFile, lenderSecret } = await import('../../settings/lender-secret.ts');

const { server } = await minioOfFile();
const { endpoint, bucket, accessKey, secretKey } = server.options;
const file = (name: string, content: string): string => {
  const path = join(home, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
};
const ADMIN = {
  RAPT_S3_ENDPOINT: endpoint,
  RAPT_S3_BUCKET: bucket,
  RAPT_S3_ACCESS_KEY_FILE: file('access', `${accessKey}\n`),
  RAPT_S3_SECRET_KEY_FILE: file('secret', `${secretKey}\n`),
};
const grants = join(home, 'grants');
const GPU: Role = { kind: 'gpu' };

const rapt = (env: NodeJS.ProcessEnv, ...args: string[]): Promise<CommandResult> =>
  runProgram(process.execPath, [PROGRAM, ...args], { PATH: process.env['PATH'], HOME: home, RAPT_HOME: home, ...env });

describe('what the environment says', () => {
  const wrong = (env: NodeJS.ProcessEnv, ...problems: string[]): void =>
    assert.throws(
      () => resolveStore(GPU, env),
      (error: Error) => problems.every((problem) => error.message.includes(problem)) || assert.fail(error.message),
    );
  const at = { RAPT_S3_ENDPOINT: endpoint };
  const URL = 'http://127.0.0.1:8235/credentials';

  it('is keys that stay, from files or from variables', () => {
    assert.deepEqual(resolveStore(GPU, ADMIN), { endpoint, bucket, accessKey, secretKey });
    assert.deepEqual(
      resolveStore(GPU, { ...at, RAPT_S3_ACCESS_KEY: 'a', RAPT_S3_SECRET_KEY: 'b', RAPT_S3_REGION: 'eu' }),
      { endpoint, bucket: 'rapt', region: 'eu', accessKey: 'a', secretKey: 'b' },
    );
    assert.deepEqual(resolveAdministration(ADMIN), { endpoint, bucket, accessKey, secretKey });
  });

  it("is an issuer and a token, of ours or as AWS's programs know them, and ours before theirs", () => {
    const token = file('token', 'x');
    const ours = { ...at, RAPT_S3_CREDENTIALS_URL: URL, RAPT_S3_CREDENTIALS_TOKEN_FILE: token };
    const theirs = { AWS_CONTAINER_CREDENTIALS_FULL_URI: URL, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'x' };
    for (const env of [
      ours,
      { ...at, RAPT_S3_CREDENTIALS_URL: URL, RAPT_S3_CREDENTIALS_TOKEN: 'x' },
      { ...at, ...theirs },
    ])
      assert.ok('keys' in resolveStore(GPU, env));
    assert.ok(!('keys' in resolveStore(GPU, { ...ADMIN, ...theirs })), 'what is there for other programs comes last');
  });

  it('is refused when it is incomplete, ambiguous, or sends a token in the clear; no secret is repeated', () => {
    wrong(
      at,
      'RAPT_S3_ENDPOINT: needs keys: RAPT_S3_CREDENTIALS_URL with RAPT_S3_CREDENTIALS_TOKEN_FILE',
      'or RAPT_S3_ACCESS_KEY_FILE',
    );
    wrong({ ...at, RAPT_S3_ACCESS_KEY: 'planted' }, 'RAPT_S3_SECRET_KEY: is needed with RAPT_S3_ACCESS_KEY');
    wrong({ ...at, RAPT_S3_SECRET_KEY: 'planted' }, 'RAPT_S3_ACCESS_KEY: is needed with RAPT_S3_SECRET_KEY');
    wrong(
      { ...at, RAPT_S3_CREDENTIALS_URL: URL },
      'RAPT_S3_CREDENTIALS_TOKEN_FILE: is needed with RAPT_S3_CREDENTIALS_URL',
    );
    wrong(
      { ...at, RAPT_S3_CREDENTIALS_URL: URL, RAPT_S3_CREDENTIALS_TOKEN_FILE: join(home, 'none') },
      'RAPT_S3_CREDENTIALS_TOKEN_FILE:',
      'cannot be read (ENOENT)',
    );
    wrong(
      { ...at, RAPT_S3_CREDENTIALS_URL: 'http://keys.example.org/', RAPT_S3_CREDENTIALS_TOKEN: 'x' },
      'RAPT_S3_CREDENTIALS_URL: must be an address such as "https://',
    );
    wrong(
      { ...ADMIN, RAPT_S3_CREDENTIALS_URL: URL, RAPT_S3_CREDENTIALS_TOKEN: 'x' },
      'RAPT_S3_CREDENTIALS_URL: RAPT_S3_ACCESS_KEY is set as well',
    );
    wrong({ ...ADMIN, RAPT_S3_SECRET_KEY: 'planted' }, 'RAPT_S3_SECRET_KEY_FILE: RAPT_S3_SECRET_KEY is set as well');
    assert.throws(
      () => resolveAdministration({ ...at, RAPT_S3_CREDENTIALS_URL: URL, RAPT_S3_CREDENTIALS_TOKEN: 'x' }),
      /needs keys that may do everything in the bucket/,
    );
  });

  it('need not name a store for who uses none, as the control worker', () => {
    const services = resolveServices({ RAPT_TEMPORAL_ADDRESS: 'there:7233' });
    assert.throws(
      () => services.storeFor(GPU),
      /no object store is known; start the local one with `rapt up`, or set RAPT_S3_ENDPOINT/,
    );
  });
});

describe('an issuer on another machine', { timeout: 400_000 }, () => {
  let url = '';
  let issuer: ReturnType<typeof spawn>;
  const tokenFiles = { acme: join(home, 'acme.token'), gpu: join(home, 'gpu.token') };
  const worker = (token: string): NodeJS.ProcessEnv => ({
    RAPT_S3_ENDPOINT: endpoint,
    RAPT_S3_BUCKET: bucket,
    RAPT_S3_CREDENTIALS_URL: url,
    RAPT_S3_CREDENTIALS_TOKEN_FILE: token,
  });

  before(async () => {
    const port = await freePort(0);
    url = `http://127.0.0.1:${port}/credentials`;
    issuer = spawn(
      process.execPath,
      [PROGRAM, 'credential-server', '--listen', `127.0.0.1:${port}`, '--grants', grants, '--minutes', '15'],
      { stdio: ['ignore', 'inherit', 'inherit'], env: { PATH: process.env['PATH'], RAPT_HOME: home, ...ADMIN } },
    );
    await eventually('the issuer listens', 60_000, () =>
      fetch(url.replace('/credentials', '/health')).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
  });
  after(async () => {
    issuer.kill('SIGTERM');
    const [code] = (await once(issuer, 'exit')) as [number | null];
    assert.equal(code, 0, 'it ends when it is told to');
  });

  it('grants roles to tokens, whose files their owner alone can read', async () => {
    const granted = await rapt(
      {},
      'credentials',
      '--grants',
      grants,
      'grant',
      'client',
      '--tenant',
      'acme',
      '--out',
      tokenFiles.acme,
    );
    assert.deepEqual([granted.code, granted.stdout], [0, ''], granted.stderr);
    assert.match(granted.stderr, /grants the role client acme to the token in .*acme\.token \(grant [0-9a-f]{12}\)/);
    const token = readFileSync(tokenFiles.acme, 'utf8');
    assert.match(token, /^[\w-]{43}$/, '256 bits, and no line break');
    for (const path of [tokenFiles.acme, grants]) assert.equal(statSync(path).mode & 0o777, 0o600, path);
    assert.ok(!readFileSync(grants, 'utf8').includes(token) && !granted.stderr.includes(token));

    const again = await rapt({}, 'credentials', '--grants', grants, 'grant', 'gpu', '--out', tokenFiles.acme);
    assert.deepEqual([again.code, readFileSync(tokenFiles.acme, 'utf8')], [2, token], 'a token is not overwritten');
    const printed = await rapt({ RAPT_S3_GRANTS_FILE: grants }, 'credentials', 'grant', 'gpu');
    writeFileSync(tokenFiles.gpu, printed.stdout.trim());
    const listed = await rapt({ RAPT_S3_GRANTS_FILE: grants }, 'credentials', '--json');
    assert.deepEqual(
      (JSON.parse(listed.stdout) as { grants: { role: string }[] }).grants.map(({ role }) => role),
      ['client acme', 'gpu'],
      'what was refused was not granted',
    );
    for (const [args, said] of [
      [['client'], /--tenant: must name the tenant/],
      [['client', '--tenant', '*'], /--tenant: must name the tenant/],
      [['gpu', '--tenant', 'acme'], /works for all tenants/],
      [['root'], /root: is no role; they are client, gpu and operator/],
    ] as const) {
      const refused = await rapt({ RAPT_S3_GRANTS_FILE: grants }, 'credentials', 'grant', ...args);
      assert.deepEqual([refused.code, refused.stdout], [2, '']);
      assert.match(refused.stderr, said);
    }
  });

  it("gives a worker its role's keys, by our variables and by AWS's", async () => {
    const store = createMinioStore(resolveStore(GPU, worker(tokenFiles.acme)));
    await store.ensureBucket();
    await store.put(keys.runResult('acme', 'r'), Buffer.from('{}'));
    await assert.rejects(
      store.put(keys.checkpointPointer('acme', 'r'), Buffer.from('{}')),
      /AccessDenied/,
      'the token decides, whatever the process takes itself for',
    );
    const byAws = createMinioStore(
      resolveStore(GPU, {
        RAPT_S3_ENDPOINT: endpoint,
        RAPT_S3_BUCKET: bucket,
        AWS_CONTAINER_CREDENTIALS_FULL_URI: url,
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFiles.gpu,
      }),
    );
    await byAws.put(keys.checkpointPointer('acme', 'r'), Buffer.from('{}'));
  });

  it('serves the command: what a role may not read is told as such, with exit code 4', async () => {
    const verify = (token: string) => rapt(worker(token), 'verify', 'r', '--tenant', 'acme');
    const own = await verify(tokenFiles.acme);
    assert.match(own.stderr, /run r of tenant acme has no manifest/, own.stderr);
    const foreign = await verify(tokenFiles.gpu);
    assert.equal(foreign.code, 4);
    assert.match(
      foreign.stderr,
      /runs\/acme\/r\/manifest\.json.*refused \(AccessDenied\); the role whose keys .* may not do that/,
    );
    const unknown = await verify(file('unknown.token', 'planted-token'));
    assert.equal(unknown.code, 4);
    assert.match(
      unknown.stderr,
      /gives no keys for the object store to the token of RAPT_S3_CREDENTIALS_TOKEN_FILE \(status 403\)/,
    );
    assert.ok(!unknown.stderr.includes('planted'));
  });

  it('lends in the name of a user of its own, by a secret file; the command tells who lends', async () => {
    assert.equal(statSync(lenderFile({})).mode & 0o777, 0o600);
    const { code, stdout, stderr } = await rapt(ADMIN, 'credentials', 'lenders', '--json');
    assert.equal(code, 0, stderr);
    const { own, earlier, ofEarlierVersions, ofOthers } = JSON.parse(stdout) as Record<string, string | string[]>;
    assert.match(String(own), /^rapt-lender-[0-9a-f]{8}-[0-9a-f]{12}$/);
    assert.deepEqual([earlier, ofEarlierVersions, ofOthers], [[], [], []]);
    assert.ok(!stdout.includes(readFileSync(lenderFile({}), 'utf8')));
    const nobody = await rapt(ADMIN, 'credentials', 'lenders', '--remove', 'root');
    assert.equal(nobody.code, 2);
    assert.match(nobody.stderr, /root is no user of Rapt's that lends keys/);
  });

  it('stops giving when a grant is taken back', async () => {
    const status = async (): Promise<number> =>
      (await ask(url, { headers: { Authorization: readFileSync(tokenFiles.gpu, 'utf8') } })).status;
    assert.equal(await status(), 200);
    const { grants: listed } = JSON.parse((await rapt({}, 'credentials', '--grants', grants, '--json')).stdout) as {
      grants: { id: string; role: string }[];
    };
    const revoked = await rapt(
      {},
      'credentials',
      '--grants',
      grants,
      'revoke',
      listed.find(({ role }) => role === 'gpu')!.id,
    );
    assert.equal(revoked.code, 0, revoked.stderr);
    assert.equal(await status(), 403);
    assert.equal((await rapt({}, 'credentials', '--grants', grants, 'revoke', 'nonsense')).code, 2);
    assert.equal(
      (await ask(url, { headers: { Authorization: readFileSync(tokenFiles.acme, 'utf8') } })).status,
      200,
      'the others stay',
    );
  });

  it('does not start where it could not be right, and says why', async () => {
    const start = (env: NodeJS.ProcessEnv, ...args: string[]) =>
      rapt({ ...ADMIN, ...env }, 'credential-server', '--grants', grants, ...args);
    const open = await start({}, '--listen', '0.0.0.0:0', '--public-host', 'keys.example.org');
    assert.deepEqual([open.code, /it needs TLS/.test(open.stderr)], [2, true], open.stderr);
    const short = await start({}, '--minutes', '5');
    assert.deepEqual([short.code, /from 15 to 10080/.test(short.stderr)], [2, true], short.stderr);
    const refused = await start(
      { RAPT_S3_SECRET_KEY_FILE: file('wrong', 'planted-secret') },
      '--listen',
      '127.0.0.1:0',
    );
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(
      refused.stderr,
      /making bucket "rapt-test".*refused \(SignatureDoesNotMatch\); check RAPT_S3_ACCESS_KEY and RAPT_S3_SECRET_KEY/,
    );
    assert.ok(!refused.stderr.includes('planted-secret') && !refused.stderr.includes(accessKey));
  });
});

describe("the lender's secret", () => {
  it('is made once, in the file that the environment names, or not at all', () => {
    const path = lenderFile({ RAPT_S3_LENDER_FILE: join(home, 'lenders', 'lender') });
    assert.equal(knownLenderSecret(path), null);
    const secret = lenderSecret(path);
    assert.match(secret, /^[\w-]{43}$/);
    assert.deepEqual([lenderSecret(path), knownLenderSecret(path)], [secret, secret]);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.notEqual(lenderSecret(join(home, 'lenders', 'other')), secret);
    assert.throws(() => lenderSecret('/proc/lender'), /\/proc\/lender: cannot be written/);
  });

  it('is not taken from a file that holds less', () => {
    for (const content of ['', 'x', 'planted'.repeat(6)]) {
      const path = file('short-lender', content);
      assert.throws(
        () => lenderSecret(path),
        (error: Error) => {
          assert.match(error.message, /RAPT_S3_LENDER_FILE: .*short-lender does not hold the 43 characters/);
          return !error.message.includes('planted');
        },
      );
    }
  });
});

describe('the local stack', () => {
  it('reads the record of a version that had no issuer', () => {
    const stack = join(home, 'stack');
    mkdirSync(stack, { recursive: true });
    const record = {
      temporal: { address: '127.0.0.1:1', uiUrl: 'http://127.0.0.1:2' },
      s3: { endpoint, accessKey, secretKey, bucket },
      consoleUrl: 'http://127.0.0.1:3',
      processes: {},
    };
    writeFileSync(join(stack, 'stack.json'), JSON.stringify(record));
    const read = readStack()!;
    assert.deepEqual([read.credentialsUrl, read.codecUrl], ['http://127.0.0.1:8235', 'http://127.0.0.1:8234']);
    const store = resolveStore(GPU, {});
    assert.ok(
      'keys' in store && !JSON.stringify(store).includes(secretKey),
      'a worker does not get the keys of the stack',
    );
  });

  it('makes the token of a role once, and grants it', () => {
    const token = stackToken({ kind: 'client', tenant: 'acme' });
    assert.equal(stackToken({ kind: 'client', tenant: 'acme' }), token);
    assert.notEqual(stackToken({ kind: 'client', tenant: 'acme-2' }), token);
    assert.equal(statSync(stackTokenFile({ kind: 'client', tenant: 'acme' })).mode & 0o777, 0o600);
    assert.equal(
      readFileSync(join(home, 'stack', 'grants'), 'utf8')
        .trim()
        .split('\n').length,
      2,
    );
    assert.throws(() => stackToken({ kind: 'client', tenant: '../x' }), /is no name of a tenant/);
    assert.equal(existsSync(join(home, 'stack', 'x')), false);
  });
});
