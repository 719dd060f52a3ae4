/** What each role may do, asked of a real MinIO: everything that its activities need, and nothing else. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Client } from 'minio';
import { claimRun } from '../../activities/gpu/checkpoints.ts';
import { minioClient } from '../support/minio-client.ts';
import { ErrorKind, IMPORT_MARK, keys, RaptError } from '../../contracts/index.ts';
import {
  CheckpointPointerCell,
  createIssuer,
  createMinioStore,
  ensureLender,
  findGarbage,
  issueKeys,
  newToken,
  parseRole,
  policyOf,
  putFiles,
  removeGarbage,
  sealForAdmin,
  type IssuedKeys,
  type ObjectStore,
  type Policy,
  type Role,
} from '../../storage/index.ts';
import { checkpoint, pointerWith, sha } from '../support/checkpoints.ts';
import { temporaryFolder } from '../support/folder.ts';
import { minioOfFile } from '../support/minio.ts';
import { startHttpProxy } from '../support/proxies.ts';

const folder = temporaryFolder();
const { server, store: root } = await minioOfFile();
const rootClient = minioClient(server.options);
const { endpoint, bucket, accessKey, secretKey } = server.options;
const secret = newToken();
const lender = (await ensureLender(server.options, secret))!.keys;
const admin = { endpoint, bucket, keys: lender, durationSeconds: 900 };
const issue = createIssuer(admin);

const ACME: Role = { kind: 'client', tenant: 'acme' };
const GPU: Role = { kind: 'gpu' };
const OPERATOR: Role = { kind: 'operator' };
const ROLES = [ACME, GPU, OPERATOR];
/** One whose name begins as the other's. */
const TENANTS = ['acme', 'acme-2'];
const PART_BYTES = 5 << 20;

const storeOf = (role: Role, options: { endpoint?: string } = {}): ObjectStore =>
  createMinioStore({
    endpoint,
    bucket,
    keys: () => issue(role),
    partBytes: PART_BYTES,
    retry: { attempts: 2, baseDelayMs: 10, maxDelayMs: 20 },
    ...options,
  });

/** All kinds of objects that there are, and what who may do there: r(ead), w(rite), d(elete). A client may do so with
 *  its own, and nothing with those of others. */
const OBJECTS: readonly {
  readonly what: string;
  readonly key: (tenant: string) => string;
  readonly client: string;
  readonly gpu: string;
}[] = [
  {
    what: 'shard',
    key: (tenant) => `${keys.releasePrefix(tenant, sha('1'))}train-00000.parquet`,
    client: 'rw',
    gpu: 'r',
  },
  {
    what: 'release manifest',
    key: (tenant) => `${keys.releasePrefix(tenant, sha('1'))}manifest.json`,
    client: 'rw',
    gpu: 'r',
  },
  {
    what: 'checkpoint',
    key: (tenant) => `${keys.checkpointPrefix(tenant, 'run', 10, 'a')}state.json`,
    client: 'r',
    gpu: 'rwd',
  },
  { what: 'pointer', key: (tenant) => keys.checkpointPointer(tenant, 'run'), client: 'r', gpu: 'rw' },
  { what: 'predictions', key: (tenant) => keys.predictions(tenant, 'run', sha('2')), client: 'r', gpu: 'rw' },
  { what: 'adapter', key: (tenant) => `${keys.adapterPrefix(tenant, sha('3'))}rapt.json`, client: 'rw', gpu: 'rw' },
  { what: 'import mark', key: (tenant) => keys.adapterPrefix(tenant, sha('3')) + IMPORT_MARK, client: 'rw', gpu: 'r' },
  { what: 'run manifest', key: (tenant) => keys.runManifest(tenant, 'run'), client: 'rw', gpu: '' },
  { what: 'result', key: (tenant) => keys.runResult(tenant, 'run'), client: 'rw', gpu: '' },
  { what: 'report', key: (tenant) => `${keys.reportPrefix(tenant, 'run')}index.html`, client: 'rw', gpu: '' },
  // A run's id may have slashes.
  {
    what: 'manifest of a run called checkpoints/x',
    key: (tenant) => keys.runManifest(tenant, 'checkpoints/x'),
    client: 'rw',
    gpu: 'r',
  },
  {
    what: 'result of a run called a/predictions/b',
    key: (tenant) => keys.runResult(tenant, 'a/predictions/b'),
    client: 'rw',
    gpu: 'r',
  },
  { what: 'something else', key: (tenant) => `other/${tenant}/x`, client: '', gpu: '' },
];
/** What may be listed; by a client nothing. */
const PREFIXES: readonly { readonly prefix: (tenant: string) => string; readonly gpu: boolean }[] = [
  { prefix: (tenant) => keys.checkpointsPrefix(tenant, 'run'), gpu: true },
  { prefix: (tenant) => keys.runPrefix(tenant, 'run'), gpu: false },
  ...['releases', 'adapters', 'reports'].map((top) => ({
    prefix: (tenant: string) => `${top}/${tenant}/`,
    gpu: false,
  })),
  { prefix: () => 'runs/', gpu: false },
  { prefix: () => '', gpu: false },
];

function clientWith({ accessKey: id, secretKey: secret, sessionToken }: IssuedKeys): Client {
  const { hostname, port } = new URL(endpoint);
  return new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    accessKey: id,
    secretKey: secret,
    sessionToken,
    region: 'us-east-1',
  });
}

/** Whether MinIO itself lets it happen. */
async function allows(action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === 'AccessDenied') return false;
    throw error;
  }
}

async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

let asked = 0;
/** What roles may do and should not, or should and may not. Every action is tried on every kind of object of both
 *  tenants. */
async function differences(policyFor: (role: Role) => Policy): Promise<string[]> {
  const found: string[] = [];
  for (const role of ROLES) {
    const client = clientWith(await issueKeys(admin, policyFor(role)));
    const compare = async (action: string, expected: boolean, attempt: () => Promise<unknown>): Promise<void> => {
      asked++;
      if ((await allows(attempt)) !== expected) found.push(`${role.kind} ${expected ? 'cannot' : 'can'} ${action}`);
    };
    for (const tenant of TENANTS) {
      const own = role.kind === 'client' && role.tenant === tenant;
      for (const { what, key, ...may } of OBJECTS) {
        const name = key(tenant);
        const rights = role.kind === 'operator' ? 'rwd' : role.kind === 'gpu' ? may.gpu : own ? may.client : '';
        await rootClient.putObject(bucket, name, 'before');
        await compare(`read ${what} of ${tenant}`, rights.includes('r'), async () =>
          drain(await client.getObject(bucket, name)),
        );
        await compare(`overwrite ${what} of ${tenant}`, rights.includes('w'), () =>
          client.putObject(bucket, name, 'after'),
        );
        await compare(`delete ${what} of ${tenant}`, rights.includes('d'), () => client.removeObject(bucket, name));
        await rootClient.removeObject(bucket, name);
        await compare(`create ${what} of ${tenant}`, rights.includes('w'), () => client.putObject(bucket, name, 'new'));
        await compare(`upload ${what} of ${tenant} in parts`, rights.includes('w'), async () =>
          client.abortMultipartUpload(bucket, name, await client.initiateNewMultipartUpload(bucket, name, {})),
        );
        const uploadId = await rootClient.initiateNewMultipartUpload(bucket, name, {});
        await compare(`abort an upload of ${what} of ${tenant}`, rights.includes('w'), () =>
          client.abortMultipartUpload(bucket, name, uploadId),
        );
        await compare(`look for uploads of ${what} of ${tenant}`, role.kind !== 'client', () =>
          drain(client.listIncompleteUploads(bucket, name, true)),
        );
        await rootClient.removeObject(bucket, name);
      }
      for (const { prefix, gpu } of PREFIXES)
        await compare(`list "${prefix(tenant)}"`, role.kind === 'operator' || (role.kind === 'gpu' && gpu), () =>
          drain(client.listObjectsV2(bucket, prefix(tenant), true)),
        );
    }
    await compare('make a bucket', false, () => client.makeBucket('another', 'us-east-1'));
    await compare('remove the bucket', false, () => client.removeBucket(bucket));
    await compare("read the bucket's policy", false, () => client.getBucketPolicy(bucket));
    await compare('see other buckets', false, async () => {
      if ((await client.listBuckets()).some(({ name }) => name === 'of-somebody-else')) return;
      throw Object.assign(new Error(), { code: 'AccessDenied' });
    });
  }
  return found;
}

describe('a role', { timeout: 600_000 }, () => {
  it('may do what it should, and nothing else', async (t) => {
    await rootClient.makeBucket('of-somebody-else', 'us-east-1');
    assert.deepEqual(await differences((role) => policyOf(role, bucket)), []);
    t.diagnostic(`${asked} requests, each allowed or refused by MinIO as it should be`);
  });

  for (const { mistake, role, change, shows } of [
    {
      mistake: 'a GPU worker that may write releases',
      role: GPU,
      change: (policy: Policy) => withWritable(policy, 'releases/*'),
      shows: ['overwrite', 'create'].flatMap((action) =>
        TENANTS.flatMap((tenant) =>
          ['shard', 'release manifest'].map((what) => `gpu can ${action} ${what} of ${tenant}`),
        ),
      ),
    },
    {
      mistake: 'a GPU worker that may remove anything of a run',
      role: GPU,
      change: (policy: Policy) =>
        replaced(
          policy,
          '"s3:DeleteObject"],"Resource":["arn:aws:s3:::rapt-test/runs/*/checkpoints/*"',
          '"s3:DeleteObject"],"Resource":["arn:aws:s3:::rapt-test/runs/*"',
        ),
      shows: ['gpu can delete pointer of acme', 'gpu can delete predictions of acme-2'],
    },
    {
      mistake: 'records of a run without their own rule',
      role: GPU,
      change: (policy: Policy) => ({
        ...policy,
        Statement: policy.Statement.filter(({ Effect }) => Effect !== 'Deny'),
      }),
      shows: [
        'gpu can overwrite manifest of a run called checkpoints/x of acme',
        'gpu can overwrite result of a run called a/predictions/b of acme',
      ],
    },
    {
      mistake: 'a prefix without its slash',
      role: ACME,
      change: (policy: Policy) => replaced(policy, '/acme/*', '/acme*'),
      shows: ['client can read shard of acme-2', 'client can overwrite report of acme-2'],
    },
    {
      mistake: 'a GPU worker that may list whatever it asks for',
      role: GPU,
      change: (policy: Policy) => ({
        ...policy,
        Statement: policy.Statement.map(({ Condition: _, ...statement }) => statement),
      }),
      shows: ['gpu can list ""', 'gpu can list "reports/acme-2/"'],
    },
    {
      mistake: 'a client that cannot write its result',
      role: ACME,
      change: (policy: Policy) => replaced(policy, 'result.json', 'results.json'),
      shows: ['client cannot overwrite result of acme', 'client cannot create result of acme'],
    },
  ])
    it(`with a planted mistake is caught by the same check: ${mistake}`, async () => {
      const found = await differences((asking) =>
        asking === role ? change(policyOf(role, bucket)) : policyOf(asking, bucket),
      );
      for (const line of shows) assert.ok(found.includes(line), `${line}, in\n${found.join('\n')}`);
      assert.ok(
        found.every((line) => line.startsWith(role.kind)),
        'of the other roles nothing changed',
      );
    });

  it('fits into what STS takes, with the longest names that there can be', () => {
    for (const role of [{ kind: 'client', tenant: 'a'.repeat(40) }, GPU, OPERATOR] as const)
      assert.ok(JSON.stringify(policyOf(role, 'b'.repeat(63))).length <= 2048, role.kind);
  });

  it('is of a tenant whose name stands for itself alone', () => {
    for (const tenant of ['*', 'a*', 'acme/..', 'acme/x', '', 'Acme', '${aws:username}', 'a?', '../acme']) {
      assert.throws(() => policyOf({ kind: 'client', tenant }, bucket), /is no name of a tenant/, tenant);
      assert.equal(parseRole(`client ${tenant}`), null);
    }
    assert.deepEqual(parseRole('client acme'), ACME);
    assert.equal(parseRole('root'), null);
  });

  it('cannot issue keys itself, not even its own', async () => {
    for (const role of ROLES) {
      const error: unknown = await issueKeys({ ...admin, keys: await issue(role) }, policyOf(role, bucket)).catch(
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof RaptError && error.kind === ErrorKind.accessDenied, String(error));
    }
  });
});

describe('the lender', () => {
  it('is the same user whenever the issuer starts, so that what was lent stays good', async () => {
    const store = createMinioStore({ endpoint, bucket, ...(await issue(ACME)) });
    assert.deepEqual(await ensureLender(server.options, secret), { keys: lender, ended: [], ofOthers: [] });
    await store.put('releases/acme/lent-before', Buffer.from('x'));
  });

  it('is made by an administrator alone; from other keys it is lent in their own name', async () => {
    assert.equal(await ensureLender({ endpoint, bucket, ...lender }, secret), null);
    const retry = { attempts: 1, baseDelayMs: 1, maxDelayMs: 1 };
    const away = { endpoint: 'http://127.0.0.1:9', bucket, ...lender, retry };
    await assert.rejects(ensureLender(away, secret), (error: RaptError) => {
      assert.match(
        error.message,
        /making a user for bucket "rapt-test" at http:\/\/127\.0\.0\.1:9: .*\(ECONNREFUSED\)/,
      );
      return error.kind === ErrorKind.unavailable;
    });
  });
});

/** By what is known of how MinIO was or can be got round. Each attack is shown to work where its guard is missing. */
describe('a role whose keys are in wrong hands', { timeout: 400_000 }, () => {
  const secretOfOther = `${keys.releasePrefix('acme-2', sha('9'))}manifest.json`;

  it('cannot list by a header, in which MinIO looks for the prefix before it looks at what is asked for', async () => {
    await root.put(secretOfOther, Buffer.from('{}'));
    const list = async (policy: Policy): Promise<boolean> => {
      const client = clientWith(await issueKeys(admin, policy));
      return allows(() =>
        client.makeRequestAsyncOmit({
          method: 'GET',
          bucketName: bucket,
          query: 'list-type=2&prefix=releases%2Facme-2%2F',
          headers: { Prefix: 'releases/acme/' },
        }),
      );
    };
    assert.equal(await list(policyOf(ACME, bucket)), false);
    const byPrefix = {
      Effect: 'Allow',
      Action: ['s3:ListBucket'],
      Resource: [`arn:aws:s3:::${bucket}`],
      Condition: { StringLike: { 's3:prefix': ['releases/acme/*'] } },
    } as const;
    assert.equal(
      await list({ ...policyOf(ACME, bucket), Statement: [byPrefix] }),
      true,
      'a rule by prefix would not hold',
    );
  });

  it("cannot write in its lender's name, by a body that needs no signature", async () => {
    const victim = `${keys.releasePrefix('acme', sha('8'))}manifest.json`;
    const write = async (keysOfLender: { accessKey: string; secretKey: string }): Promise<string | undefined> => {
      await root.put(victim, Buffer.from('right'));
      const { sessionToken } = await issueKeys({ ...admin, keys: keysOfLender }, policyOf(GPU, bucket));
      const { parent } = JSON.parse(Buffer.from(sessionToken.split('.')[1]!, 'base64url').toString('utf8')) as {
        parent: string;
      };
      assert.equal(parent, keysOfLender.accessKey, 'the token tells who lent');
      return unsignedWrite(victim, parent);
    };
    assert.equal(await write(lender), 'AccessDenied');
    assert.equal(String((await root.read(victim))?.body), 'right');
    assert.equal(await write({ accessKey, secretKey }), undefined, 'if it were root, anything could be written');
    assert.equal(String((await root.read(victim))?.body), 'evil');
  });

  it('cannot make itself an account that lasts', async () => {
    const account = async (client: Client, secret: string): Promise<number | undefined> => {
      const body = sealForAdmin(
        secret,
        Buffer.from(
          JSON.stringify({
            accessKey: `forever-${randomBytes(4).toString('hex')}`,
            secretKey: randomBytes(16).toString('hex'),
          }),
        ),
      );
      return (
        await client.makeRequestAsyncOmit(
          { method: 'PUT', bucketName: 'minio', objectName: 'admin/v3/add-service-account' },
          body,
          [200, 403],
        )
      ).statusCode;
    };
    assert.equal(await account(rootClient, secretKey), 200, 'root can, asked in the same way');
    for (const role of ROLES) {
      const issued = await issue(role);
      assert.equal(await account(clientWith(issued), issued.secretKey), 403, role.kind);
    }
  });

  it('cannot copy what it may not read, nor remove several at once', async () => {
    await root.put(secretOfOther, Buffer.from('{}'));
    const client = clientWith(await issue(ACME));
    assert.equal(
      await allows(() =>
        client.copyObject(bucket, `${keys.releasePrefix('acme', sha('9'))}copy`, `/${bucket}/${secretOfOther}`),
      ),
      false,
    );
    const gone = await clientWith(await issue(GPU)).removeObjects(bucket, [secretOfOther]);
    assert.match(JSON.stringify(gone), /AccessDenied/);
    assert.notEqual(await root.read(secretOfOther), null);
  });
});

/** A write that names its user and shows no signature. @returns the code with which it was refused. */
async function unsignedWrite(key: string, user: string): Promise<string | undefined> {
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const credential = encodeURIComponent(`${user}/${date.slice(0, 8)}/us-east-1/s3/aws4_request`);
  const CRC32_OF_EVIL = 'jfsxUg==';
  const reply = await fetch(`${endpoint}/${bucket}/${key}?X-Amz-Credential=${credential}`, {
    method: 'PUT',
    headers: {
      'X-Amz-Content-Sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'X-Amz-Date': date,
      'X-Amz-Decoded-Content-Length': '4',
      'Content-Encoding': 'aws-chunked',
      'X-Amz-Trailer': 'x-amz-checksum-crc32',
    },
    body: `4\r\nevil\r\n0\r\nx-amz-checksum-crc32:${CRC32_OF_EVIL}\r\n\r\n`,
  });
  return /<Code>(\w+)/.exec(await reply.text())?.[1];
}

/** A policy that allows writing below a pattern as well. */
const withWritable = (policy: Policy, pattern: string): Policy => ({
  ...policy,
  Statement: [
    ...policy.Statement,
    { Effect: 'Allow', Action: ['s3:PutObject'], Resource: [`arn:aws:s3:::${bucket}/${pattern}`] },
  ],
});

function replaced(policy: Policy, text: string, by: string): Policy {
  const before = JSON.stringify(policy);
  assert.ok(before.includes(text), `${text} is not in ${before}`);
  return JSON.parse(before.replaceAll(text, by)) as Policy;
}

describe('the store, used by a role', { timeout: 400_000 }, () => {
  const large = join(folder, 'large');
  writeFileSync(large, randomBytes(12 << 20));

  it('takes all that a client stores: shards in parts, a manifest after them, a report, a result', async () => {
    const store = storeOf(ACME);
    await store.ensureBucket();
    const shard = `${keys.releasePrefix('acme', sha('a'))}train-00000.parquet`;
    await rootClient.initiateNewMultipartUpload(bucket, shard, {}); // of an attempt that was killed
    const ref = await store.put(shard, { file: large });
    assert.match((await rootClient.statObject(bucket, shard)).etag, /-3$/, 'three parts');
    assert.deepEqual(await store.put(shard, { file: large }, { verify: true }), ref);
    assert.equal((await store.get(ref)).length, 12 << 20);
    assert.equal(
      await store.read(keys.runManifest('acme', 'fresh')),
      null,
      'what is missing is missing, and not forbidden',
    );
    for (const key of [
      `${keys.releasePrefix('acme', sha('a'))}manifest.json`,
      `${keys.reportPrefix('acme', 'r')}index.html`,
      keys.runResult('acme', 'r'),
      keys.runManifest('acme', 'r'),
    ])
      await store.put(key, Buffer.from(key));
  });

  it('leaves no part of a client behind when the sending fails', async () => {
    const key = `${keys.releasePrefix('acme', sha('b'))}train-00000.parquet`;
    const proxy = await startHttpProxy(endpoint, (request) =>
      request.url?.includes('partNumber=2') === true ? 500 : 'pass',
    );
    await assert.rejects(storeOf(ACME, { endpoint: proxy.endpoint }).put(key, { file: large }), /no success/);
    proxy.close();
    assert.deepEqual(await root.unfinishedUploads(key), []);
  });

  it('takes all that a GPU worker stores, and shows and removes what attempts before it left', async () => {
    const store = storeOf(GPU);
    await store.ensureBucket();
    const release = await root.put(`${keys.releasePrefix('acme', sha('c'))}manifest.json`, Buffer.from('{}'));
    await store.getToFile(release, join(folder, 'manifest.json'));

    const stray = `${keys.checkpointPrefix('acme', 'trained', 5, 'old')}state.json`;
    await root.put(stray, Buffer.from('stray'));
    const old = checkpoint(5, 1, 'old');
    const cell = await CheckpointPointerCell.open(store, 'acme', 'trained');
    await claimRun(
      store,
      cell,
      { tenant: 'acme', run: 'trained' },
      { name: 'a', fence: { scheduledMs: 1, attempt: 1 } },
    );
    assert.equal(await root.read(stray), null);
    await cell.advance(pointerWith({ newest: old }));
    await assert.rejects(
      store.compareAndSwap(keys.checkpointPointer('acme', 'trained'), Buffer.from('{}'), null),
      (error: RaptError) => error.kind === ErrorKind.overtaken,
    );

    const weights = `${keys.checkpointPrefix('acme', 'trained', 10, 'a')}weights.safetensors`;
    await rootClient.initiateNewMultipartUpload(bucket, weights, {});
    assert.equal((await store.unfinishedUploads(weights)).length, 1);
    await putFiles(store, keys.checkpointPrefix('acme', 'trained', 10, 'a'), { 'weights.safetensors': large });
    assert.deepEqual(await store.unfinishedUploads(weights), []);
    await store.remove(weights);
    await putFiles(store, keys.adapterPrefix('acme', sha('d')), { 'adapter_model.safetensors': large });
    await store.put(keys.predictions('acme', 'trained', sha('e')), Buffer.from('{}'));
  });

  it('lets an operator find garbage of all tenants, and remove it', async () => {
    const store = storeOf(OPERATOR);
    // It is no manifest, and would stop the collection.
    await store.remove(keys.runManifest('acme', 'r'));
    for (const tenant of TENANTS)
      await root.put(`${keys.releasePrefix(tenant, sha('f'))}train-00000.parquet`, Buffer.from(tenant));
    const garbage = await findGarbage(store, { beforeMs: Infinity, openRuns: () => Promise.resolve([]) });
    for (const tenant of TENANTS)
      assert.ok(
        garbage.objects.some(({ key }) => key.startsWith(keys.releasePrefix(tenant, sha('f')))),
        tenant,
      );
    await removeGarbage(store, garbage);
    assert.deepEqual(
      (await findGarbage(store, { beforeMs: Infinity, openRuns: () => Promise.resolve([]) })).objects,
      [],
    );
  });

  it('names the object of a refused request, which is tried once more with other keys', async () => {
    let issued = 0;
    const store = createMinioStore({ endpoint, bucket, keys: () => (issued++, issue(ACME)) });
    await assert.rejects(store.read(keys.runResult('acme-2', 'x')), (error: RaptError) => {
      assert.equal(error.kind, ErrorKind.accessDenied);
      assert.match(
        error.message,
        /reading "runs\/acme-2\/x\/result\.json" in bucket "rapt-test".*refused \(AccessDenied\); the role .* may not/,
      );
      return true;
    });
    assert.equal(issued, 1, 'the first keys were fresh');
    await assert.rejects(store.put('releases/acme-2/x', Buffer.from('x')), /AccessDenied/);
    assert.equal(issued, 2);
  });
});
