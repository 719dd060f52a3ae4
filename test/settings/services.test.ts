/** Which servers a process uses, by what its environment says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveServices } from '../../settings/index.ts';

test('a variable that is set to nothing names no server', () => {
  const services = resolveServices({
    RAPT_TEMPORAL_ADDRESS: '',
    TEMPORAL_ADDRESS: 'there:7233',
    RAPT_S3_ENDPOINT: 'http://there:9000',
    RAPT_S3_ACCESS_KEY: 'a',
    RAPT_S3_SECRET_KEY: 'b',
    RAPT_S3_BUCKET: '',
  });
  assert.equal(services.temporal.connection.address, 'there:7233');
  assert.equal(services.temporal.namespace, 'default');
  assert.equal(services.storeFor({ kind: 'gpu' }).bucket, 'rapt');
});

test('reports are found where a setting says, which must be an address', () => {
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
