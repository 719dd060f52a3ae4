import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { metrics } from '../../telemetry/index.ts';
import { installRuntime } from '../../workers/runtime.ts';

test('a worker whose address is taken works without a page', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  process.env['RAPT_METRICS_ADDRESS'] = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
  const runtime = installRuntime();
  metrics.runs.add(1, { outcome: 'completed' });
  taken.close();
  await runtime.shutdown();
});
