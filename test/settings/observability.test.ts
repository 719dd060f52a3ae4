/** What the environment says of a worker's log and of its page with metrics. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logLevel, metricsAddress } from '../../settings/index.ts';

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

test('RAPT_LOG_LEVEL is one of the known levels', () => {
  assert.equal(logLevel({}), 'INFO');
  assert.equal(logLevel({ RAPT_LOG_LEVEL: 'debug' }), 'DEBUG');
  assert.throws(
    () => logLevel({ RAPT_LOG_LEVEL: 'loud' }),
    /RAPT_LOG_LEVEL: must be one of TRACE, DEBUG, INFO, WARN, ERROR, not "loud"/,
  );
});
