import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveServices } from '../../settings/index.ts';
import { setting } from '../../system/index.ts';

test('a variable that is set to nothing counts as not set', () => {
  assert.equal(setting('A', { A: '' }), undefined);
  assert.equal(setting('A', {}), undefined);
  assert.equal(setting('A', { A: '0' }), '0');
  const services = resolveServices({
    RAPT_TEMPORAL_ADDRESS: '',
    TEMPORAL_ADDRESS: 'there:7233',
    RAPT_S3_ENDPOINT: 'http://there:9000',
    RAPT_S3_ACCESS_KEY: 'a',
    RAPT_S3_SECRET_KEY: 'b',
    RAPT_S3_BUCKET: '',
  });
  assert.deepEqual(
    [services.temporal.connection.address, services.temporal.namespace, services.storeFor({ kind: 'gpu' }).bucket],
    ['there:7233', 'default', 'rapt'],
  );
});

test('reports are found at the codec server of the local stack, or where a setting says, which must be an address', () => {
  const external = { RAPT_TEMPORAL_ADDRESS: 'there:7233' };
  assert.equal(resolveServices(external).reportsUrl, null);
  assert.equal(
    resolveServices({ ...external, RAPT_REPORTS_URL: 'http://127.0.0.1:8234/report/' }).reportsUrl,
    'http://127.0.0.1:8234/report',
  );
  assert.throws(
    () => resolveServices({ ...external, RAPT_REPORTS_URL: 'javascript:alert(1)' }),
    /RAPT_REPORTS_URL: must be an address such as/,
  );
});
