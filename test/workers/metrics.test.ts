import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { metrics } from '../../telemetry/index.ts';
import { metricsAddress } from '../../settings/observability.ts';
import { installRuntime } from '../../workers/runtime.ts';

test('RAPT_METRICS_ADDRESS is an address and a port, or not set', () => {
  assert.equal(metricsAddress({}), null);
  for (const address of ['127.0.0.1:9464', '0.0.0.0:9464', '[::1]:9464'])
    assert.equal(metricsAddress({ RAPT_METRICS_ADDRESS: address }), address);
  for (const address of ['9464', 'localhost:9464', '127.0.0.1', '127.0.0.1:99999', 'http://127.0.0.1:9464'])
    assert.throws(
      () => metricsAddress({ RAPT_METRICS_ADDRESS: address }),
      /RAPT_METRICS_ADDRESS: must be an address and a port/,
    );
});

test('a worker whose address is taken works without a page', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  process.env['RAPT_METRICS_ADDRESS'] = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
  const runtime = installRuntime();
  metrics.runs.add(1, { outcome: 'completed' });
  taken.close();
  await runtime.shutdown();
});
