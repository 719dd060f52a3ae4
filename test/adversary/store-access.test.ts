/** Keys, passwords and tokens of the object store in wrong hands, and taken from the right ones: what they get on a
 *  real MinIO. */
import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Client } from 'minio';
import { minioClient } from '../support/minio-client.ts';
import { ADAPTER_FILES, ErrorKind, IMPORT_MARK, keys, RaptError, TRIES, type Sha256 } from '../../contracts/index.ts';
import { grantNew, grantsIn, resolveStore, revoke } from '../../settings/index.ts';
import {
  createIssuer,
  createMinioStore,
  CREDENTIALS_PATH,
  ensureLender,
  findLenders,
  grantId,
  newToken,
  removeLender,
  sealForAdmin,
  startCredentialServer,
  type Grant,
  type ObjectStore,
  type Role,
  type StoreKeys,
  type StoreOptions,
} from '../../storage/index.ts';
import { lenderPolicy } from '../../storage/access/role-rights.ts';
import { ask } from '../support/ask.ts';
import { temporaryFolder } from '../support/folder.ts';
import { minioOfFile } from '../support/minio.ts';
import { eventually } from '../support/probe.ts';

const QUICK = { attempts: 2, baseDelayMs: 10, maxDelayMs: 20 };
const { server } = await minioOfFile();
const { endpoint, bucket } = server.options;
const ACME: Role = { kind: 'client', tenant: 'acme' };
const GPU: Role = { kind: 'gpu' };
const OPERATOR: Role = { kind: 'operator' };

/** Root's keys as they are now. */
let admin: StoreOptions = { ...server.options, retry: QUICK };

async function rotateRootPassword(): Promise<void> {
  admin = { ...admin, secretKey: randomBytes(20).toString('hex') };
  await server.stop();
  await server.start(admin.secretKey);
}

const issuerWith = (keys: StoreKeys) => createIssuer({ endpoint, bucket, keys, durationSeconds: 900 });

/** Whether the store takes these keys for anything: an operator's may do everything. */
async function work(keys: StoreKeys): Promise<boolean> {
  const { hostname, port } = new URL(endpoint);
  const { accessKey, secretKey, sessionToken } = keys;
  const client = new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    accessKey,
    secretKey,
    region: 'us-east-1',
    ...(sessionToken === undefined ? {} : { sessionToken }),
  });
  return client.putObject(bucket, 'runs/acme/r/result.json', '{}').then(
    () => true,
    (error: unknown) => {
      assert.match(
        String((error as { code?: string }).code),
        /^(AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidTokenId)$/,
      );
      return false;
    },
  );
}

const lends = (keys: StoreKeys): Promise<boolean> =>
  issuerWith(keys)(OPERATOR).then(
    () => true,
    () => false,
  );

/** Asks MinIO's administration as root. */
async function administer(
  method: string,
  path: string,
  query: Record<string, string>,
  body: Buffer | string = '',
): Promise<void> {
  const request = {
    method,
    bucketName: 'minio',
    objectName: `admin/v3/${path}`,
    query: new URLSearchParams(query).toString(),
  };
  await minioClient(admin).makeRequestAsyncOmit(request, body, [200], 'us-east-1');
}

async function makeUser(
  name: string,
  policy: object,
  secretKey: string = randomBytes(20).toString('hex'),
): Promise<StoreKeys> {
  await administer('PUT', 'add-canned-policy', { name }, JSON.stringify(policy));
  await administer(
    'PUT',
    'add-user',
    { accessKey: name },
    sealForAdmin(admin.secretKey, Buffer.from(JSON.stringify({ secretKey, status: 'enabled' }))),
  );
  await administer('PUT', 'set-user-or-group-policy', { policyName: name, userOrGroup: name, isGroup: 'false' });
  return { accessKey: name, secretKey };
}

/** The user that Rapt lent in the name of before: whoever knew the password could say its name and secret. */
function lenderOfEarlierVersion(password: string): StoreKeys {
  const derive = (what: string): string =>
    createHmac('sha256', password).update(`rapt lender ${what} of ${bucket}`).digest('hex');
  return { accessKey: `rapt-${derive('name').slice(0, 12)}`, secretKey: derive('secret').slice(0, 40) };
}

describe("whoever knew root's old password", { timeout: 120_000 }, () => {
  it('has nothing after the rotation, neither the lender of an earlier version nor what that lent', async () => {
    const { accessKey, secretKey } = lenderOfEarlierVersion(admin.secretKey);
    const old = await makeUser(accessKey, lenderPolicy(bucket), secretKey);
    const lent = await issuerWith(old)(OPERATOR);
    assert.ok((await work(lent)) && (await work(old)));
    await rotateRootPassword();
    assert.ok((await work(old)) && (await lends(old)), 'a user outlives the rotation: somebody has to remove it');
    const lending = await ensureLender(admin, newToken());
    assert.deepEqual(lending?.ended, [old.accessKey]);
    assert.deepEqual([await work(old), await lends(old), await work(lent)], [false, false, false]);
    assert.ok(await work(await issuerWith(lending.keys)(OPERATOR)));
    await removeLender(admin, lending.keys.accessKey);
  });

  it("cannot derive this version's lender, whose keys end with the rotation, those of its own making too", async () => {
    const secret = newToken();
    const before = (await ensureLender(admin, secret))!.keys;
    const password = admin.secretKey;
    assert.notDeepEqual(before, lenderOfEarlierVersion(password));
    assert.notDeepEqual(
      (await ensureLender({ ...admin, bucket }, newToken()))!.keys,
      before,
      'the password alone says nothing',
    );
    const issue = issuerWith(before);
    const lent = await issue(OPERATOR);
    const account = { accessKey: 'forever-1', secretKey: randomBytes(20).toString('hex') };
    await accountOf(before, account);
    assert.ok((await work(before)) && (await work(lent)) && (await work(account)));

    await rotateRootPassword();
    assert.ok((await work(before)) && (await work(account)), 'until the issuer starts again');
    const after = (await ensureLender(admin, secret))!;
    assert.deepEqual([after.ended, after.keys.accessKey === before.accessKey], [[before.accessKey], false]);
    assert.deepEqual(
      [await work(before), await lends(before), await work(lent), await work(account)],
      [false, false, false, false],
    );
    assert.equal(await work({ accessKey: after.keys.accessKey, secretKey: before.secretKey }), false);
    assert.ok(await work(await issuerWith(after.keys)(OPERATOR)));
    assert.deepEqual(
      (await ensureLender(admin, secret))!,
      { ...after, ended: [] },
      'a start without a rotation changes nothing',
    );
    assert.ok(await work(await issuerWith(after.keys)(OPERATOR)));
    // Whoever still runs with the lender of before is told so, and not given worthless keys.
    await assert.rejects(
      issue(ACME),
      /issues no keys \(AccessDenied\).*start the issuer again when the store's password was changed/,
    );
    for (const name of [after.keys.accessKey, ...(await findLenders(admin, secret)).ofOthers])
      await removeLender(admin, name);
  });
});

/** A service account, which MinIO lets every user make for itself. */
async function accountOf(user: StoreKeys, account: StoreKeys): Promise<void> {
  const body = sealForAdmin(user.secretKey, Buffer.from(JSON.stringify(account)));
  const request = { method: 'PUT', bucketName: 'minio', objectName: 'admin/v3/add-service-account' };
  await minioClient({ ...admin, ...user }).makeRequestAsyncOmit(request, body, [200], 'us-east-1');
}

describe('an issuer that starts', { timeout: 120_000 }, () => {
  const everything = (of: string) => ({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: ['s3:*'], Resource: [`arn:aws:s3:::${of}`, `arn:aws:s3:::${of}/*`] }],
  });

  it("removes nobody else's users, whatever they are called, and no lender to another bucket", async () => {
    const others = [
      await makeUser('rapt-0123456789ab', everything(bucket)),
      await makeUser('rapt-lender-01234567-0123456789ab', everything(bucket)),
      await makeUser('rapt-backup', lenderPolicy(bucket)),
      await makeUser('xrapt-0123456789ab', lenderPolicy(bucket)),
      await makeUser('rapt-ba9876543210', {
        ...lenderPolicy(bucket),
        Statement: [...lenderPolicy(bucket).Statement, ...everything('of-somebody-else').Statement],
      }),
    ];
    await makeUser('rapt-abcdefabcdef', lenderPolicy(`${bucket}-2`));
    const secret = newToken();
    const onOther = (await ensureLender({ ...admin, bucket: `${bucket}-2` }, secret))!.keys;
    const { ended, ofOthers } = (await ensureLender(admin, secret))!;
    assert.deepEqual([ended, ofOthers], [[], []]);
    for (const user of others) assert.ok(await work(user), user.accessKey);
    assert.ok(await lends(onOther), 'one file serves several buckets');
    for (const { accessKey } of others)
      await assert.rejects(
        removeLender(admin, accessKey),
        /is no user of Rapt's that lends keys to the bucket rapt-test/,
      );
    for (const user of others) assert.ok(await work(user), user.accessKey);
  });

  it('leaves the lender of another issuer alone and names it; issuers that share a file share the lender', async () => {
    const [one, other] = [newToken(), newToken()];
    const first = (await ensureLender(admin, one))!;
    const lent = await issuerWith(first.keys)(OPERATOR);
    const second = (await ensureLender(admin, other))!;
    assert.deepEqual([second.ended, second.ofOthers.includes(first.keys.accessKey)], [[], true]);
    assert.deepEqual((await ensureLender(admin, one))!.keys, first.keys);
    assert.ok((await work(lent)) && (await lends(second.keys)));
    await removeLender(admin, first.keys.accessKey);
    assert.deepEqual([await work(lent), await lends(first.keys), await lends(second.keys)], [false, false, true]);
  });

  it('ends a removal that was interrupted', async () => {
    const { accessKey } = await makeUser('rapt-feedfeedfeed', lenderPolicy(bucket));
    await administer('DELETE', 'remove-user', { accessKey });
    assert.deepEqual((await ensureLender(admin, newToken()))!.ended, [accessKey]);
    assert.deepEqual((await findLenders(admin, null)).ofEarlierVersions, []);
  });
});

/** A credential server as `rapt credential-server` runs it, whose grants and tokens are files. */
async function credentialServer() {
  const folder = temporaryFolder();
  const grants = join(folder, 'grants');
  const tokenFile = join(folder, 'token');
  const lending = (await ensureLender(admin, newToken()))!;
  let asked = 0;
  const said: string[] = [];
  const running = await startCredentialServer({
    issue: issuerWith(lending.keys),
    grants: () => {
      asked++;
      return grantsIn(grants);
    },
    say: (line) => said.push(line),
    listen: { host: '127.0.0.1', port: 0 },
    tls: null,
    publicHost: null,
  });
  after(() => running.close());
  const url = running.url + CREDENTIALS_PATH;
  const env = {
    RAPT_S3_ENDPOINT: endpoint,
    RAPT_S3_BUCKET: bucket,
    RAPT_S3_CREDENTIALS_URL: url,
    RAPT_S3_CREDENTIALS_TOKEN_FILE: tokenFile,
  };
  return {
    url,
    grants,
    tokenFile,
    said,
    asked: () => asked,
    grant: (role: Role) => grantNew(grants, role, (token) => writeFileSync(tokenFile, token)),
    revoke: (granted: Grant) => revoke(grants, grantId(granted)),
    /** A worker's store, whose keys end soon. */
    storeOf(role: Role, holdMs = 50): ObjectStore {
      const options = resolveStore(role, env);
      assert.ok('keys' in options);
      const keys = async () => ({ ...(await options.keys()), expiresMs: Date.now() + holdMs });
      return createMinioStore({ ...options, keys, retry: QUICK });
    },
  };
}

const kindOf = (doing: Promise<unknown>): Promise<string> =>
  doing.then(
    () => 'done',
    (error: unknown) => (error instanceof RaptError ? error.kind : String(error)),
  );
const once = (body: () => Promise<unknown>) => async (): Promise<true | null> =>
  (await kindOf(body())) === 'done' ? true : null;

describe('a worker that loses its own credentials', { timeout: 120_000 }, () => {
  const key = 'releases/acme/x/manifest.json';

  it('waits while its token is revoked, says what to do, asks seldom, and goes on with the next token', async () => {
    const server = await credentialServer();
    const first = server.grant(ACME);
    const store = server.storeOf(ACME);
    await store.put(key, Buffer.from('x'));
    server.revoke(first);
    await sleep(60);
    const before = server.asked();
    const refused: unknown = await store.put(key, Buffer.from('y')).catch((error: unknown) => error);
    assert.ok(refused instanceof RaptError && refused.kind === ErrorKind.credentialsRefused, inspect(refused));
    assert.equal(TRIES[refused.kind], Infinity);
    assert.match(refused.message, /token of RAPT_S3_CREDENTIALS_TOKEN_FILE \(status 403\)/);
    assert.match(refused.message, /`rapt credentials grant client --tenant acme`.*goes on by itself/);
    const all = await Promise.all(Array.from({ length: 50 }, () => kindOf(store.put(key, Buffer.from('y')))));
    assert.deepEqual(new Set(all), new Set([ErrorKind.credentialsRefused]));
    assert.equal(server.asked(), before + 1, 'fifty requests, one question');
    server.grant(ACME);
    await eventually(
      'it goes on',
      5000,
      once(() => store.put(key, Buffer.from('y'))),
    );
  });

  it('waits while the grants are gone, or cannot be read, without taking anybody for unknown', async () => {
    const server = await credentialServer();
    server.grant(ACME);
    const store = server.storeOf(ACME);
    await store.put(key, Buffer.from('x'));
    renameSync(server.grants, `${server.grants}.gone`);
    const makeNonsense = (): void => {
      rmdirSync(server.grants);
      writeFileSync(server.grants, 'x');
    };
    for (const spoil of [() => undefined, () => mkdirSync(server.grants), makeNonsense]) {
      spoil();
      await sleep(60);
      assert.equal(await kindOf(store.put(key, Buffer.from('y'))), ErrorKind.unavailable);
      const { status, text } = await ask(server.url, { headers: { Authorization: newToken() } });
      assert.deepEqual(
        [status, /the grants cannot be read.*the log of the credential server says why/.test(text)],
        [503, true],
        text,
      );
    }
    assert.match(
      server.said.join('\n'),
      /no keys for anybody\. .*grants: does not exist, so that no token is known; `rapt credentials grant` makes it/,
    );
    renameSync(`${server.grants}.gone`, server.grants);
    await store.put(key, Buffer.from('y'));
  });

  it('waits while the file of its token is gone', async () => {
    const server = await credentialServer();
    server.grant(ACME);
    const store = server.storeOf(ACME);
    await store.put(key, Buffer.from('x'));
    renameSync(server.tokenFile, `${server.tokenFile}.gone`);
    await sleep(60);
    await assert.rejects(store.put(key, Buffer.from('y')), (error: RaptError) => {
      assert.match(
        error.message,
        /no token for the object store's keys: RAPT_S3_CREDENTIALS_TOKEN_FILE: .*cannot be read \(ENOENT\)/,
      );
      return error.kind === ErrorKind.credentialsRefused;
    });
    renameSync(`${server.tokenFile}.gone`, server.tokenFile);
    await eventually(
      'it goes on',
      5000,
      once(() => store.put(key, Buffer.from('y'))),
    );
  });

  it('is told for good what its role may not do, by whichever request, and never waits for that', async () => {
    const server = await credentialServer();
    server.grant(ACME);
    const store = server.storeOf(ACME);
    const large = join(temporaryFolder(), 'large');
    writeFileSync(large, randomBytes(6 << 20));
    const foreign = 'releases/acme-2/x/manifest.json';
    const requests = [
      () => store.put(foreign, Buffer.from('x')),
      () => store.put(foreign, { file: large }),
      () => store.read(foreign),
      () => store.compareAndSwap(foreign, Buffer.from('x'), null),
      () => store.remove(foreign),
    ];
    for (const request of requests) assert.equal(await kindOf(request()), ErrorKind.accessDenied, request.toString());
    server.grant(GPU);
    assert.equal(
      await kindOf(server.storeOf(ACME).put(key, Buffer.from('z'))),
      ErrorKind.accessDenied,
      "another role's token",
    );
    assert.equal(TRIES[ErrorKind.accessDenied], 1);
  });

  it('stores large files with good keys while nobody gives others, though it may not look for parts', async () => {
    const server = await credentialServer();
    const granted = server.grant(ACME);
    const store = server.storeOf(ACME, 60_000);
    await store.put(key, Buffer.from('x'));
    server.revoke(granted);
    const large = join(temporaryFolder(), 'large');
    writeFileSync(large, randomBytes(17 << 20));
    await store.put('releases/acme/x/train-00000.parquet', { file: large });
  });

  it('whose keys stay waits when they are refused, also where the refusal has no words', async () => {
    const stolen = createMinioStore({ ...admin, secretKey: 'of somebody else' });
    const requests = [
      () => stolen.put(key, Buffer.from('x')),
      () => stolen.read(key),
      () => stolen.compareAndSwap(key, Buffer.from('x'), null),
    ];
    for (const request of requests)
      await assert.rejects(request, (error: RaptError) => {
        assert.match(
          error.message,
          /refused \(SignatureDoesNotMatch\); check RAPT_S3_ACCESS_KEY and RAPT_S3_SECRET_KEY/,
        );
        return error.kind === ErrorKind.credentialsRefused;
      });
  });
});

describe("a client's token in wrong hands", { timeout: 60_000 }, () => {
  it('cannot pass another adapter off as the one that a run refers to, and writes none of another tenant', async () => {
    const lending = (await ensureLender(admin, newToken()))!;
    const issue = issuerWith(lending.keys);
    const storeOf = (role: Role) => createMinioStore({ endpoint, bucket, retry: QUICK, keys: () => issue(role) });
    const thief = storeOf(ACME);
    const prefix = keys.adapterPrefix('acme', 'a'.repeat(64) as Sha256);
    const trained = await storeOf(GPU).put(`${prefix}adapter_model.safetensors`, Buffer.from('trained'));
    assert.equal(await kindOf(thief.put(trained.key, Buffer.from('forged!'))), 'done');
    for (const reader of [storeOf(GPU), storeOf(OPERATOR)])
      assert.equal(await kindOf(reader.get(trained)), ErrorKind.corruptArtifact);
    const foreign = keys.adapterPrefix('acme-2', 'a'.repeat(64) as Sha256);
    for (const file of [...ADAPTER_FILES, IMPORT_MARK])
      assert.equal(await kindOf(thief.put(foreign + file, Buffer.from('x'))), ErrorKind.accessDenied, file);
    assert.equal(await kindOf(thief.remove(trained.key)), ErrorKind.accessDenied);
    // What would keep it from being collected.
    assert.equal(await kindOf(storeOf(GPU).put(prefix + IMPORT_MARK, Buffer.from('x'))), ErrorKind.accessDenied);
  });
});
