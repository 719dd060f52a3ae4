/** Keys, passwords and tokens of the object store in wrong hands, and taken from the right ones: what they get on a
 *  real MinIO. */
import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { Client } from 'minio';
import { minioClient } from '../../bench/minio-client.ts';
import {
  createIssuer,
  ensureLender,
  findLenders,
  newToken,
  removeLender,
  sealForAdmin,
  type Role,
  type StoreKeys,
  type StoreOptions,
} from '../../storage/index.ts';
import { lenderPolicy } from '../../storage/access/policy.ts';
import { minioOfFile } from '../support/minio.ts';

const QUICK = { attempts: 2, baseDelayMs: 10, maxDelayMs: 20 };
const { server } = await minioOfFile();
const { endpoint, bucket } = server.options;
const ACME: Role = { kind: 'client', tenant: 'acme' };
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
