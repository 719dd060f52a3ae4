import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { inspect } from 'node:util';
import { minioClient } from '../support/minio-client.ts';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import type { Sha256 } from '../../contracts/index.ts';
import { createMinioStore, putFiles } from '../../storage/index.ts';
import { sha256File, sha256Of } from '../../system/index.ts';
import type { StoreOptions } from '../../storage/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { minioOfFile } from '../support/minio.ts';
import { startHttpProxy, type Answer } from '../support/proxies.ts';

const folder = temporaryFolder();
const QUICK = { attempts: 3, baseDelayMs: 10, maxDelayMs: 20 };
const { server, store } = await minioOfFile();
const client = minioClient(server.options);

const kind =
  (expected: ErrorKind, ...patterns: readonly RegExp[]) =>
  (error: unknown): true => {
    assert.ok(error instanceof RaptError, inspect(error));
    assert.equal(error.kind, expected, error.message);
    for (const pattern of patterns) assert.match(error.message, pattern);
    const everything = inspect(error, { depth: 9, showHidden: true });
    assert.ok(
      !everything.includes(server.options.secretKey) && !everything.includes(server.options.accessKey),
      'no credentials in an error',
    );
    return true;
  };

async function keysUnder(prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

/** MinIO lists the uploads of one whole key only. */
async function unfinishedUploads(key: string): Promise<number> {
  let uploads = 0;
  for await (const _upload of client.listIncompleteUploads(server.options.bucket, key, true)) uploads++;
  return uploads;
}

describe('the object store', () => {
  it('gives back what was put, and its reference names content and size', async () => {
    const body = randomBytes(1000);
    const ref = await store.put('a/one', body, { contentType: 'application/json' });
    assert.deepEqual(ref, { bucket: 'rapt-test', key: 'a/one', sha256: sha256Of(body), sizeBytes: 1000 });
    assert.deepEqual(await store.get(ref), body);
    const { metaData } = await client.statObject('rapt-test', 'a/one');
    assert.equal((metaData as Record<string, string>)['sha256'], ref.sha256);
    assert.equal((metaData as Record<string, string>)['content-type'], 'application/json');
  });

  it('stores empty objects', async () => {
    const ref = await store.put('a/empty', Buffer.alloc(0));
    assert.equal((await store.get(ref)).length, 0);
  });

  it('does not send again what is there, and replaces other content', async () => {
    const ref = await store.put('a/same', Buffer.from('same'));
    const first = await client.statObject('rapt-test', 'a/same');
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await store.put('a/same', Buffer.from('same'));
    assert.deepEqual((await client.statObject('rapt-test', 'a/same')).lastModified, first.lastModified);
    await store.put('a/same', Buffer.from('other'));
    await assert.rejects(store.get(ref), kind(ErrorKind.corruptArtifact, /"a\/same" in bucket "rapt-test"/));
  });

  it('refuses content that is not what the reference promises, in memory and on disk', async () => {
    const ref = await store.put('a/changed', Buffer.from('right'));
    await client.putObject('rapt-test', 'a/changed', 'wrong');
    await assert.rejects(store.get(ref), kind(ErrorKind.corruptArtifact, /has SHA-256/, /a\/changed/, /rapt-test/));
    await client.putObject('rapt-test', 'a/changed', 'much longer than promised');
    const path = join(folder, 'changed');
    await assert.rejects(store.getToFile(ref, path), kind(ErrorKind.corruptArtifact, /does not have 5 bytes/));
    assert.equal(existsSync(path), false);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith('.part')),
      [],
    );
  });

  it('mends an object that another program overwrote', async () => {
    const ref = await store.put('a/mended', Buffer.from('right'));
    await client.putObject('rapt-test', 'a/mended', 'wrong');
    await store.put('a/mended', Buffer.from('right'));
    assert.equal(String(await store.get(ref)), 'right');
  });

  it('sends a file of more than 64 MiB in parts and reads it back to a file', async () => {
    const path = join(folder, 'large');
    const file = openSync(path, 'w');
    const chunk = randomBytes(1 << 20);
    for (let part = 0; part < 70; part++) {
      chunk.writeUInt32LE(part, 0);
      writeSync(file, chunk);
    }
    closeSync(file);
    const ref = await store.put('b/large', { file: path });
    assert.deepEqual({ sha256: ref.sha256, sizeBytes: ref.sizeBytes }, await sha256File(path));
    assert.match((await client.statObject('rapt-test', 'b/large')).etag, /-5$/, 'five parts');
    const copy = join(folder, 'sub', 'copy');
    await store.getToFile(ref, copy);
    assert.equal((await sha256File(copy)).sha256, ref.sha256);
    assert.equal(await unfinishedUploads('b/large'), 0);
  });

  it('leaves no part behind when the sending of a file fails', async () => {
    const path = join(folder, 'failing');
    const file = openSync(path, 'w');
    ftruncateSync(file, 12 << 20);
    closeSync(file);
    let parts = 0;
    const proxy = await startHttpProxy(server.options.endpoint, (request) =>
      request.url?.includes('partNumber=2') === true && ++parts > 0 ? 500 : 'pass',
    );
    const failing = createMinioStore({ ...server.options, endpoint: proxy.endpoint, partBytes: 5 << 20, retry: QUICK });
    await assert.rejects(
      failing.put('b/failing', { file: path }),
      kind(ErrorKind.unavailable, /"b\/failing" in bucket "rapt-test"/),
    );
    proxy.close();
    assert.equal(parts, QUICK.attempts);
    assert.equal(await unfinishedUploads('b/failing'), 0);
    await client.initiateNewMultipartUpload('rapt-test', 'b/failing', {});
    assert.equal(await unfinishedUploads('b/failing'), 1, 'an upload that is left behind would be seen');
    assert.deepEqual(await keysUnder('b/failing'), []);
  });

  it('stores nothing when a file changes while it is sent', async () => {
    const path = join(folder, 'changing');
    writeFileSync(path, randomBytes(12 << 20));
    const proxy = await startHttpProxy(server.options.endpoint, (request) => {
      if (request.url?.includes('partNumber=1') === true) truncateSync(path, 6 << 20);
      return 'pass';
    });
    const failing = createMinioStore({ ...server.options, endpoint: proxy.endpoint, partBytes: 5 << 20, retry: QUICK });
    await assert.rejects(
      failing.put('b/changing', { file: path }),
      kind(ErrorKind.corruptArtifact, /changed while it was sent/),
    );
    proxy.close();
    assert.equal(await unfinishedUploads('b/changing'), 0);
    assert.deepEqual(await keysUnder('b/changing'), []);
  });

  it('lists by prefix in key order, across pages', async () => {
    await Promise.all(
      Array.from({ length: 1005 }, (_, index) =>
        client.putObject('rapt-test', `many/${String(index).padStart(4, '0')}`, 'x'),
      ),
    );
    await store.put('many-other', Buffer.from('y'));
    const found = await keysUnder('many/');
    assert.equal(found.length, 1005);
    assert.deepEqual(
      [found[0], found[999], found[1000], found[1004]],
      ['many/0000', 'many/0999', 'many/1000', 'many/1004'],
    );
    for await (const { changedMs, ...object } of store.list('many-other')) {
      assert.deepEqual(object, { key: 'many-other', sizeBytes: 1 });
      assert.ok(Math.abs(Date.now() - changedMs) < 60_000);
    }
  });

  it('lists uploads that were killed in the midst, aborts them, and removes them once their key is whole', async () => {
    const path = join(folder, 'large');
    writeFileSync(path, randomBytes(11 << 20));
    await client.initiateNewMultipartUpload('rapt-test', 'u/one', {});
    await client.initiateNewMultipartUpload('rapt-test', 'u/two', {});
    assert.deepEqual(
      (await store.unfinishedUploads('u/one')).map(({ key }) => key),
      ['u/one'],
    );
    await createMinioStore({ ...server.options, partBytes: 5 << 20 }).put('u/one', { file: path });
    assert.deepEqual(await store.unfinishedUploads('u/one'), []);
    const left = await store.unfinishedUploads('u/two');
    assert.equal(left.length, 1);
    await store.abortUpload(left[0]!);
    await store.abortUpload(left[0]!);
    assert.deepEqual(await store.unfinishedUploads('u/two'), []);
  });

  it('removes an object, and does not mind when there is none', async () => {
    await store.put('c/gone', Buffer.from('x'));
    await store.remove('c/gone');
    await store.remove('c/gone');
    assert.equal(await store.read('c/gone'), null);
  });

  it('makes its bucket once, whoever asks', async () => {
    const fresh = createMinioStore({ ...server.options, bucket: 'rapt-fresh' });
    await Promise.all([
      fresh.ensureBucket(),
      fresh.ensureBucket(),
      createMinioStore({ ...server.options, bucket: 'rapt-fresh' }).ensureBucket(),
    ]);
    await fresh.put('x', Buffer.from('x'));
  });

  it('stores several files under a prefix', async () => {
    const files = { 'one.json': join(folder, 'one.json'), 'two.bin': join(folder, 'two.bin') };
    for (const [name, path] of Object.entries(files)) writeFileSync(path, name);
    const refs = await putFiles(store, 'd/', files);
    assert.deepEqual([refs['one.json'].key, refs['two.bin'].key], ['d/one.json', 'd/two.bin']);
    assert.equal(String(await store.get(refs['two.bin'])), 'two.bin');
  });
});

describe('a compare-and-swap', () => {
  it('creates only what is not there, and changes only what is still the same', async () => {
    const first = await store.compareAndSwap('e/cell', Buffer.from('1'), null);
    await assert.rejects(
      store.compareAndSwap('e/cell', Buffer.from('2'), null),
      kind(ErrorKind.overtaken, /"e\/cell" in bucket "rapt-test"/),
    );
    const second = await store.compareAndSwap('e/cell', Buffer.from('2'), first);
    await assert.rejects(store.compareAndSwap('e/cell', Buffer.from('3'), first), kind(ErrorKind.overtaken));
    assert.deepEqual(await store.read('e/cell'), { body: Buffer.from('2'), etag: second });
    await assert.rejects(store.compareAndSwap('e/none', Buffer.from('3'), first), kind(ErrorKind.overtaken));
  });

  it('is won by one of two contenders each time', async () => {
    let etag: string | null = null;
    for (let round = 0; round < 20; round++) {
      const outcomes = await Promise.allSettled(
        ['left', 'right'].map((side) => store.compareAndSwap('e/race', Buffer.from(`${side} ${round}`), etag)),
      );
      const won = outcomes.filter((outcome) => outcome.status === 'fulfilled');
      assert.equal(won.length, 1, `round ${round}`);
      for (const outcome of outcomes) if (outcome.status === 'rejected') kind(ErrorKind.overtaken)(outcome.reason);
      etag = won[0]?.value ?? null;
    }
  });

  it('knows its own write again when the answer to it was lost', async () => {
    const etag = await store.compareAndSwap('e/lost', Buffer.from('before'), null);
    let writes = 0;
    const proxy = await startHttpProxy(server.options.endpoint, (request) =>
      request.method === 'PUT' && ++writes === 1 ? 'lose the answer' : 'pass',
    );
    const behind = createMinioStore({ ...server.options, endpoint: proxy.endpoint, retry: QUICK });
    const next = await behind.compareAndSwap('e/lost', Buffer.from('after'), etag);
    proxy.close();
    assert.equal(writes, 2);
    assert.deepEqual(await store.read('e/lost'), { body: Buffer.from('after'), etag: next });
  });
});

describe('a failure of the object store', () => {
  it('tells apart what is missing, what is forbidden and what does not answer', async () => {
    const missing = { bucket: 'rapt-test', key: 'f/none', sha256: sha256Of(Buffer.from('x')), sizeBytes: 1 };
    await assert.rejects(
      store.get(missing),
      kind(ErrorKind.notFound, /"f\/none" in bucket "rapt-test".*no such object/),
    );
    const noBucket = createMinioStore({ ...server.options, bucket: 'rapt-none', retry: QUICK });
    await assert.rejects(noBucket.read('x'), kind(ErrorKind.notFound, /no such bucket/));
    const wrongKey = createMinioStore({ ...server.options, secretKey: 'not-the-secret', retry: QUICK });
    const named = /"f\/x" in bucket "rapt-test"/;
    const refused = kind(ErrorKind.credentialsRefused, named, /SignatureDoesNotMatch/);
    await assert.rejects(wrongKey.read('f/x'), refused);
    // It asks by HEAD first, whose answer has no words.
    await assert.rejects(wrongKey.put('f/x', Buffer.from('x')), refused);
    const unknownKey = createMinioStore({ ...server.options, accessKey: 'nobody', retry: QUICK });
    await assert.rejects(unknownKey.read('f/x'), kind(ErrorKind.credentialsRefused, /InvalidAccessKeyId/));
    const nowhere = createMinioStore({ ...server.options, endpoint: 'http://127.0.0.1:9', retry: QUICK });
    await assert.rejects(nowhere.get(missing), kind(ErrorKind.unavailable, /127\.0\.0\.1:9.*ECONNREFUSED/));
  });

  it('is tried again while the server is busy or the connection breaks', async () => {
    const ref = await store.put('f/busy', randomBytes(300_000));
    const answers: Answer[] = [503, 'break', 'cut the answer', 500];
    const proxy = await startHttpProxy(server.options.endpoint, () => answers.shift() ?? 'pass');
    const behind = createMinioStore({ ...server.options, endpoint: proxy.endpoint, retry: { ...QUICK, attempts: 5 } });
    assert.equal(sha256Of(await behind.get(ref)), ref.sha256);
    proxy.close();
    assert.deepEqual(answers, []);
  });

  it('comes in time when the server hears and never answers', async () => {
    const proxy = await startHttpProxy(server.options.endpoint, () => 'never answer');
    const behind = createMinioStore({
      ...server.options,
      endpoint: proxy.endpoint,
      timeoutMs: 200,
      retry: { ...QUICK, attempts: 2 },
    });
    const start = Date.now();
    await assert.rejects(behind.read('f/slow'), kind(ErrorKind.unavailable, /ETIMEDOUT/));
    assert.ok(Date.now() - start < 3000);
    proxy.close();
  });

  it('is over when the server is back', async () => {
    const ref = await store.put('f/restart', Buffer.from('kept'));
    await server.stop();
    const reading = store.get(ref);
    await server.start();
    assert.equal(String(await reading), 'kept');
  });

  it('says that an endpoint is no address without repeating it', () => {
    for (const endpoint of ['planted:secret', 'ftp://planted', 'http://planted/path'])
      assert.throws(
        () => createMinioStore({ ...server.options, endpoint } satisfies StoreOptions),
        (error: Error) => /must be an address such as/.test(error.message) && !/planted/.test(error.message),
      );
  });
});

test('a file is hashed as its bytes are', async () => {
  const path = join(folder, 'hashed');
  writeFileSync(path, randomBytes(3_000_000));
  const bytes = readFileSync(path);
  assert.deepEqual(await sha256File(path), {
    sha256: createHash('sha256').update(bytes).digest('hex') as Sha256,
    sizeBytes: bytes.length,
  });
});
