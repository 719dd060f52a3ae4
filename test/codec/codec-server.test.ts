import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { createCodec, newKey, startCodecServer, type CodecServerOptions } from '../../codec/index.ts';
import type { RunningServer } from '../../system/index.ts';
import { ask as request, type Asked } from '../support/ask.ts';
import { createAuthority } from '../support/certificates.ts';
import { temporaryFolder } from '../support/folder.ts';

const UI = 'http://127.0.0.1:8233';
const key = newKey();
const running: RunningServer[] = [];
after(async () => {
  for (const server of running) await server.close();
});

async function start(options: Partial<CodecServerOptions> = {}): Promise<string> {
  const server = await startCodecServer({
    codec: createCodec([key]),
    listen: { host: '127.0.0.1', port: 0 },
    origin: UI,
    token: null,
    tls: null,
    publicHost: null,
    ...options,
  });
  running.push(server);
  return server.url;
}

/** The server is asked by POST, mostly. */
const ask = (url: string, asked: Asked = {}): ReturnType<typeof request> => request(url, { method: 'POST', ...asked });

const payloads = [
  {
    metadata: { encoding: Buffer.from('json/plain').toString('base64') },
    data: Buffer.from('{"eta":14}').toString('base64'),
  },
];
const plain = JSON.stringify({ payloads });
const url = await start();

test('what is encoded comes back by decoding, in the JSON that Temporal speaks', async () => {
  const encoded = await ask(`${url}/encode`, {
    body: plain,
    headers: { 'Content-Type': 'application/json', 'X-Namespace': 'default' },
  });
  assert.equal(encoded.status, 200);
  assert.match(encoded.headers['content-type']!, /application\/json/);
  assert.ok(!encoded.text.includes(payloads[0]!.data));
  const [sent] = (JSON.parse(encoded.text) as { payloads: { metadata: Record<string, string> }[] }).payloads;
  assert.equal(Buffer.from(sent!.metadata['encryption-key-id']!, 'base64').toString(), key.id);
  const decoded = await ask(`${url}/decode`, { body: encoded.text });
  assert.deepEqual(
    (JSON.parse(decoded.text) as { payloads: object[] }).payloads.map(
      ({ metadata, data }: Partial<(typeof payloads)[number]>) => ({ metadata, data }),
    ),
    payloads,
  );
  assert.deepEqual(
    JSON.parse((await ask(`${url}/decode`, { body: plain })).text),
    JSON.parse((await ask(`${url}/decode?namespace=x`, { body: plain })).text),
    'what is not encrypted passes',
  );
});

test('pages of the UI may ask, and those of no other origin', async () => {
  const asUi = await ask(`${url}/decode`, { body: plain, headers: { Origin: UI } });
  assert.deepEqual([asUi.status, asUi.headers['access-control-allow-origin'], asUi.headers.vary], [200, UI, 'Origin']);
  const preflight = await ask(`${url}/decode`, {
    method: 'OPTIONS',
    headers: {
      Origin: UI,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'content-type,x-namespace',
    },
  });
  assert.deepEqual(
    [
      preflight.status,
      preflight.headers['access-control-allow-origin'],
      preflight.headers['access-control-allow-methods'],
    ],
    [204, UI, 'POST'],
  );
  assert.match(preflight.headers['access-control-allow-headers']!, /Content-Type, X-Namespace, Authorization/);
  for (const origin of [
    'http://evil.example',
    'http://127.0.0.1:8234',
    'null',
    `${UI}.evil.example`,
    'http://localhost:8233',
  ])
    for (const method of ['POST', 'OPTIONS']) {
      const { status, headers } = await ask(`${url}/decode`, {
        method,
        body: method === 'POST' ? plain : '',
        headers: { Origin: origin },
      });
      assert.deepEqual([status, headers['access-control-allow-origin']], [403, undefined], `${method} from ${origin}`);
    }
  assert.equal(
    (await ask(`${await start({ origin: null })}/decode`, { body: plain, headers: { Origin: UI } })).status,
    403,
  );
});

test('a link on this machine leads to the report of a run, which no page can read', async () => {
  const report: CodecServerOptions['report'] = (tenant, run) =>
    Promise.resolve(tenant === 'local' && run === 'a run/1' ? '<p>report</p>' : null);
  const open = await start({ report });
  const get = (path: string, headers: Asked['headers'] = {}): ReturnType<typeof request> =>
    request(`${open}${path}`, { headers });
  const shown = await get('/report/local/a%20run%2F1');
  assert.deepEqual(
    [shown.status, shown.text, shown.headers['content-type']],
    [200, '<p>report</p>', 'text/html; charset=utf-8'],
  );
  assert.match(String(shown.headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'/);
  assert.equal(shown.headers['access-control-allow-origin'], undefined);
  for (const path of [
    '/report/local/other',
    '/report/other/a%20run%2F1',
    '/report/local/%',
    '/report/local/a%20run/1',
    '/report/local',
  ])
    assert.equal((await get(path)).status, 404, path);
  assert.equal((await get('/report/local/a%20run%2F1', { Origin: 'http://evil.example' })).status, 403);
  assert.equal((await get('/report/local/a%20run%2F1', { Host: 'evil.example' })).status, 421);
  const guarded = await start({ report, token: 'secret' });
  assert.equal((await request(`${guarded}/report/local/a%20run%2F1`)).status, 404);
});

test('a name that was made to point here is not answered', async () => {
  const { port } = new URL(url);
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    '127.0.0.1',
    `127.0.0.1:${Number(port) + 1}`,
    `0.0.0.0:${port}`,
  ])
    assert.equal((await ask(`${url}/decode`, { body: plain, headers: { Host: host } })).status, 421, host);
  assert.equal(
    (
      await ask(`${url}/decode`, {
        body: plain,
        headers: { Host: `evil.example:${port}`, Origin: `http://evil.example:${port}` },
      })
    ).status,
    421,
  );
  assert.equal((await ask(`${url}/decode`, { body: plain, headers: { Host: `localhost:${port}` } })).status, 200);
});

test('with a token only those are answered who send it', async () => {
  const guarded = await start({ token: 'the token' });
  const decode = async (authorization?: string): Promise<number> =>
    (
      await ask(`${guarded}/decode`, {
        body: plain,
        headers: authorization === undefined ? {} : { Authorization: authorization },
      })
    ).status;
  assert.deepEqual(
    await Promise.all([decode(), decode('Bearer the'), decode('the token'), decode('Bearer the token ')]),
    [401, 401, 401, 200],
    'HTTP strips blanks around a value',
  );
  assert.equal(await decode('Bearer the token'), 200);
  assert.equal(
    (await ask(`${guarded}/decode`, { method: 'OPTIONS', headers: { Origin: UI } })).status,
    204,
    'browsers ask without the token first',
  );
});

test('what is no request for it is refused with a reason', async () => {
  for (const body of ['', '{', '[]', '{}', 'null', '{"payloads":3}', '{"payloads":[3]}'])
    assert.equal((await ask(`${url}/decode`, { body })).status, 400, body);
  assert.equal((await ask(`${url}/other`, { body: plain })).status, 404);
  assert.equal((await ask(`${url}/decode`, { method: 'GET' })).status, 405);
  const foreign = await startForeign();
  const { status, text } = await ask(`${url}/decode`, { body: foreign, headers: { Origin: UI } });
  assert.deepEqual([status, /encrypted with the key \d{4}-.*which is not among the keys here/.test(text)], [400, true]);
  assert.deepEqual(
    await ask(`${url}/health`, { method: 'GET', headers: { Host: '10.0.0.7:8234' } }).then(
      ({ status: code, text: said }) => [code, said],
    ),
    [200, 'ok'],
  );
});

async function startForeign(): Promise<string> {
  return (await ask(`${await start({ codec: createCodec([newKey()]) })}/encode`, { body: plain })).text;
}

test('a body that is too large is refused, whether it says so or not', async () => {
  const body = JSON.stringify({ payloads: [{ data: 'A'.repeat(17 << 20) }] });
  assert.equal((await ask(`${url}/encode`, { body })).status, 413);
  assert.equal((await ask(`${url}/encode`, { body, headers: { 'Transfer-Encoding': 'chunked' } })).status, 413);
  assert.equal((await ask(`${url}/encode`, { body: plain })).status, 200, 'the next one is answered');
});

test('TLS is spoken with a certificate of its own', async () => {
  const authority = createAuthority(temporaryFolder());
  const { cert, key: privateKey } = authority.issue('codec');
  const secured = await start({ tls: { cert: readFileSync(cert), key: readFileSync(privateKey) } });
  assert.match(secured, /^https:/);
  assert.equal((await ask(`${secured}/encode`, { body: plain, ca: readFileSync(authority.cert) })).status, 200);
  await assert.rejects(ask(`${secured}/encode`, { body: plain }), /certificate/);
});

test('a server that other machines can reach needs a token and a name', async () => {
  const open = { listen: { host: '0.0.0.0', port: 0 } };
  await assert.rejects(
    start(open),
    /--listen 0\.0\.0\.0:0: can be reached from other machines: it needs a token .* and the host name .*, and TLS/,
  );
  await assert.rejects(start({ ...open, token: 'x' }), /--public-host/);
  const reachable = (await start({ ...open, token: 'x', publicHost: 'codec.example.org' })).replace(
    '0.0.0.0',
    '127.0.0.1',
  );
  const headers = { Authorization: 'Bearer x' };
  assert.equal(
    (await ask(`${reachable}/encode`, { body: plain, headers: { ...headers, Host: 'codec.example.org' } })).status,
    200,
  );
  assert.equal((await ask(`${reachable}/encode`, { body: plain, headers })).status, 421);
});

test('an address that is taken is told', async () => {
  await assert.rejects(
    start({ listen: { host: '127.0.0.1', port: Number(new URL(url).port) } }),
    /cannot listen on 127\.0\.0\.1:\d+ \(EADDRINUSE\); choose another address by --listen/,
  );
});
