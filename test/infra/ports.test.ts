/** Which port a server gets again. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, listensOn } from '../../infra/stack/ports.ts';

test(
  'a port whose process is about to be gone is waited for; one that somebody keeps is not',
  { timeout: 240_000 },
  async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    assert.notEqual(await freePort(port), port);
    assert.notEqual(await freePort(port, 300), port);
    const again = freePort(port, 30_000);
    await sleep(300);
    holder.close();
    assert.equal(await again, port);
  },
);

test('who listens on a port is told apart from who merely runs', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  assert.equal(listensOn(process.pid, port), true);
  assert.equal(listensOn(process.ppid, port), false);
  assert.equal(listensOn(2 ** 30, port), false);
  holder.close();
  await once(holder, 'close');
  assert.equal(listensOn(process.pid, port), false);
});
