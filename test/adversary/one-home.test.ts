/** Two clients of one tenant: the second is refused before it reserves or draws anything. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { adoptTenant, type ClientDependencies } from '../../activities/client/index.ts';
import type { AdmittedRun } from '../../activities/client/admission/guard.ts';
import { OWNERS_WORD } from '../support/owners-word.ts';
import { inspect } from '../../activities/client/inspect.ts';
import { claimTenant, otherHome } from '../../activities/client/admission/one-home.ts';
import { preparePrediction } from '../../activities/client/predict.ts';
import { privatize } from '../../activities/client/privatize.ts';
import { publishRelease } from '../../activities/client/publish.ts';
import { BadInput, keys, parseTuningConfig } from '../../contracts/index.ts';
import { releaseTables } from '../../rapt/client/index.ts';
import { tenantFolder } from '../../rapt/home.ts';
import { clientSecret, Ledger } from '../../rapt/ledger/index.ts';
import { findGarbage } from '../../storage/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { minioOfFile } from '../support/minio.ts';
import { writeTinyModel } from '../support/tiny-model.ts';
import { inOrder } from '../support/in-order.ts';

const { server, store } = await minioOfFile();
const folder = temporaryFolder();
const client = (name: string): ClientDependencies => ({ store, home: join(folder, name) });
const MOVE = {
  message: inOrder(
    'tenant: another client has released texts of tenant ',
    "To move, copy the folder of this tenant in the other client's home to ",
    '`rapt ledger adopt --tenant ',
    'says what going on without it means',
  ),
};

before(() => {
  writeTinyModel(join(folder, 'tiny'));
  writeFileSync(
    join(folder, 'texts.csv'),
    `text,label\n${Array.from({ length: 24 }, (_, row) => `w${5 + row} w${6 + row},${row % 2}\n`).join('')}`,
  );
});

function requestOf(tenant: string): AdmittedRun {
  const parsed = parseTuningConfig({
    tenant,
    data: { train: join(folder, 'texts.csv') },
    backbone: join(folder, 'tiny'),
  });
  assert.ok(parsed.ok);
  return { run: 'x', config: parsed.value, admission: OWNERS_WORD };
}

const asActivity = <T>(work: () => Promise<T>): Promise<T> =>
  asyncLocalStorage.run(
    { info: {}, heartbeat: () => undefined, cancellationSignal: new AbortController().signal } as unknown as Context,
    work,
  );

/** Releases as a run does, and publishes it. */
async function published(dependencies: ClientDependencies, tenant: string): Promise<void> {
  const { localKey, digest } = await releaseTables({ ...requestOf(tenant), home: dependencies.home });
  await asActivity(() => publishRelease(dependencies, tenant, localKey, digest));
}

const markOf = async (tenant: string): Promise<string | undefined> =>
  (await store.read(keys.client(tenant)))?.body.toString('utf8');

test('the first release marks the tenant, with the same bytes each time, and without saying whose it is', async () => {
  const first = client('first');
  assert.equal(await otherHome(first, 'acme'), null);
  assert.ok(!existsSync(first.home), 'to ask makes nothing');
  await published(first, 'acme');
  const mark = (await markOf('acme'))!;
  assert.match(mark, /^\{"client":"[0-9a-f]{64}","format":"rapt-client\/1"\}$/);
  await published(first, 'acme');
  await published(first, 'other');
  assert.equal(await markOf('acme'), mark);
  assert.notEqual(await markOf('other'), mark);
  const secret = await clientSecret(tenantFolder(first.home, 'acme'));
  for (const guess of [secret, 'acme', 'client of tenant acme'])
    assert.ok(!mark.includes(createHash('sha256').update(guess).digest('hex')));
  const { objects } = await findGarbage(store, { beforeMs: Infinity, openRuns: () => Promise.resolve([]) });
  assert.ok(
    objects.length > 0 && objects.every(({ key }) => !key.endsWith('client.json')),
    'releases that no run names are garbage, marks are not',
  );
});

test('a second client is refused wherever it would release, and keeps and stores nothing', async () => {
  const second = client('second');
  const request = requestOf('acme');
  await assert.rejects(
    inspect(second, request),
    (error: unknown) => error instanceof BadInput && MOVE.message.test(error.message),
  );
  await assert.rejects(
    asActivity(() => privatize(second, request)),
    MOVE,
  );
  await assert.rejects(
    asActivity(() =>
      preparePrediction(second, {
        tenant: 'acme',
        run: 'x',
        prediction: 'p',
        in: 'x.csv',
        asked: null as never,
        admit: () => Promise.resolve(OWNERS_WORD),
      }),
    ),
    MOVE,
  );
  assert.ok(!existsSync(second.home));
  const { localKey, digest } = await releaseTables({ ...request, home: second.home });
  const earlier = await markOf('acme');
  await assert.rejects(
    asActivity(() => publishRelease(second, 'acme', localKey, digest)),
    MOVE,
  );
  assert.equal((await new Ledger(tenantFolder(second.home, 'acme')).releases())[0]!.released, null, 'it has not left');
  assert.equal(await store.read(keys.releasePrefix('acme', digest) + 'manifest.json'), null);
  assert.equal(await markOf('acme'), earlier);
});

test('a client whose folder was copied is the same client', async () => {
  cpSync(tenantFolder(client('first').home, 'acme'), tenantFolder(client('moved').home, 'acme'), { recursive: true });
  await inspect(client('moved'), requestOf('acme'));
  await published(client('moved'), 'acme');
});

test('of two clients that release first at the same time one stays; a claim that broke off is taken up', async () => {
  const clients = Array.from({ length: 6 }, (_, at) => client(`race-${at}`));
  const claims = await Promise.allSettled([...clients, ...clients].map((one) => claimTenant(one, 'raced')));
  const won = clients.filter((_, at) => claims[at]!.status === 'fulfilled');
  assert.equal(won.length, 1);
  assert.equal(claims.filter(({ status }) => status === 'fulfilled').length, 2, 'both attempts of the one');
  await claimTenant(won[0]!, 'raced');
});

test('a client that has released before there were marks makes its own with its next release', async () => {
  const old = client('old');
  await published(old, 'early');
  await store.remove(keys.client('early'));
  await inspect(old, requestOf('early'));
  assert.equal(await markOf('early'), undefined);
  await published(old, 'early');
  assert.notEqual(await markOf('early'), undefined);
});

test('the provider who changes the mark has nothing drawn for it', async () => {
  await store.remove(keys.client('early'));
  await store.compareAndSwap(keys.client('early'), Buffer.from('{"client":"mine"}'), null);
  await assert.rejects(
    asActivity(() => privatize(client('old'), requestOf('early'))),
    MOVE,
  );
});

test('who adopts a tenant is its client, and the one before is refused', async () => {
  const [first, second] = [client('first'), client('second')];
  assert.equal(await adoptTenant(second, 'acme'), true);
  assert.equal(await adoptTenant(second, 'acme'), false, 'once more changes nothing');
  await published(second, 'acme');
  await assert.rejects(inspect(first, requestOf('acme')), MOVE);
  assert.equal(await adoptTenant(client('third'), 'nobody'), false);
});

test('the command adopts, and says what that means', async () => {
  const { endpoint, accessKey, secretKey, bucket } = server.options as {
    endpoint: string;
    accessKey: string;
    secretKey: string;
    bucket: string;
  };
  const env = {
    ...process.env,
    RAPT_HOME: join(folder, 'command'),
    RAPT_S3_ENDPOINT: endpoint,
    RAPT_S3_ACCESS_KEY: accessKey,
    RAPT_S3_SECRET_KEY: secretKey,
    RAPT_S3_BUCKET: bucket,
  };
  const program = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', program, 'ledger', 'adopt', '--tenant', 'acme'],
    { env },
  );
  assert.match(
    stdout + stderr,
    inOrder(
      "tenant acme is this client's now.",
      "What the other client has released is not in this one's ledger: no budget counts it",
    ),
  );
  assert.equal(await otherHome({ store, home: join(folder, 'command', 'client') }, 'acme'), null);
});
