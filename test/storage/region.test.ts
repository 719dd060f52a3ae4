/** A bucket of another region than the one that was set: the store names the region, so no setting is needed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BucketReader, createMinioStore } from '../../storage/index.ts';
import { minioOfFile } from '../support/minio.ts';

process.env['MINIO_SITE_REGION'] = 'eu-central-1';
const {
  server: { options },
  store,
} = await minioOfFile();

test("objects are put, read, looked up and listed in the bucket's own region", async () => {
  const ref = await store.put('a/one', Buffer.from('here'));
  const other = (): ReturnType<typeof createMinioStore> => createMinioStore({ ...options, region: 'us-west-2' });
  assert.equal((await other().get(ref)).toString(), 'here');
  const keys: string[] = [];
  for await (const { key } of other().list('a/')) keys.push(key);
  assert.deepEqual(keys, ['a/one']);
});

test('so are tables at s3:// addresses', async () => {
  const { bucket } = options;
  const reader = (): BucketReader => new BucketReader({ ...options, region: 'us-west-2' });
  assert.equal((await reader().stat({ bucket, key: 'a/one' }))?.sizeBytes, 4);
  const chunks: Buffer[] = [];
  for await (const chunk of reader().read({ bucket, key: 'a/one' })) chunks.push(chunk);
  assert.equal(Buffer.concat(chunks).toString(), 'here');
});

test('keys that are refused are told of as before', async () => {
  const refused = createMinioStore({ ...options, region: 'us-west-2', secretKey: 'of somebody else' });
  await assert.rejects(refused.put('a/two', Buffer.from('x')), { kind: 'RaptCredentialsRefused' });
});
