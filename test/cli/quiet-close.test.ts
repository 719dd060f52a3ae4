/** A command that has its answer ends, whatever it asked besides. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { Connection } from '@temporalio/client';
import { RetriesUntilClosed } from '../../cli/temporal/quiet-close.ts';

const UNAVAILABLE = '14';
let asked = 0;
const server = createServer();
// Answers one question in a way that lets the client ask again, and again.
server.on('stream', (stream) => {
  asked++;
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': UNAVAILABLE, 'grpc-message': 'later' },
    { endStream: true },
  );
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
after(() => server.close());

function lazy(retries: RetriesUntilClosed): Connection {
  return retries.endWith(
    Connection.lazy({
      address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      interceptors: [retries.interceptor],
    }),
  );
}

test('when its connection closes, a request is tried no more, and throws nothing', async (t) => {
  const thrown: unknown[] = [];
  const note = (error: unknown): void => void thrown.push(error);
  process.on('uncaughtException', note);
  t.after(() => process.off('uncaughtException', note));
  const connection = lazy(new RetriesUntilClosed());
  t.mock.timers.enable({ apis: ['setTimeout'] });
  connection.workflowService.describeTaskQueue({ namespace: 'default' }).catch(() => undefined);
  while (asked === 0) await new Promise((resolve) => setImmediate(resolve));
  // The answer arrives, and the next try is due.
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  const before = asked;
  await connection.close();
  t.mock.timers.tick(60_000);
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([thrown, asked], [[], before]);
});
