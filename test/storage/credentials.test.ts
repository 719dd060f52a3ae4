/** Short-lived keys: who gets them from the issuer, and how the store is used while they are renewed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, it, test } from 'node:test';
import { inspect } from 'node:util';
import { ErrorKind, keys, RaptError } from '../../contracts/index.ts';
import {
  checkKeyServerUrl,
  createIssuer,
  createMinioStore,
  CREDENTIALS_PATH,
  formatGrant,
  grantFor,
  keysFrom,
  newToken,
  parseGrants,
  startCredentialServer,
  type CredentialServerOptions,
  type Grant,
  type IssuedKeys,
  type KeySource,
  type Role,
} from '../../storage/index.ts';
import { RenewedKeys } from '../../storage/access/renewed-keys.ts';
import { ask } from '../support/ask.ts';
import { createAuthority } from '../support/certificates.ts';
import { temporaryFolder } from '../support/folder.ts';
import { minioOfFile } from '../support/minio.ts';
import { eventually } from '../support/probe.ts';
import { startHttpProxy } from '../support/proxies.ts';

const QUICK = { attempts: 2, baseDelayMs: 10, maxDelayMs: 20 };
const { server, store: root } = await minioOfFile();
const { endpoint, bucket, accessKey, secretKey } = server.options;
const issue = createIssuer({ endpoint, bucket, keys: { accessKey, secretKey }, durationSeconds: 900 });

const ACME: Role = { kind: 'client', tenant: 'acme' };
const GPU: Role = { kind: 'gpu' };
const tokens = { acme: newToken(), gpu: newToken() };
const GRANTS: readonly Grant[] = [grantFor(tokens.acme, ACME), grantFor(tokens.gpu, GPU)];

const closing: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closing) await close();
});

async function start(
  options: Partial<CredentialServerOptions> = {},
): Promise<{ url: string; said: string[]; close: () => Promise<void> }> {
  const said: string[] = [];
  const running = await startCredentialServer({
    issue,
    grants: () => GRANTS,
    say: (line) => said.push(line),
    listen: { host: '127.0.0.1', port: 0 },
    tls: null,
    publicHost: null,
    ...options,
  });
  let open = true;
  const close = async (): Promise<void> => {
    if (open) await running.close();
    open = false;
  };
  closing.push(close);
  return { url: running.url + CREDENTIALS_PATH, said, close };
}

/** All that can be seen of an error, with what caused it. */
const everything = (error: unknown): string => `${String(error)} ${inspect(error, { depth: 9, showHidden: true })}`;

const failure =
  (kind: ErrorKind, pattern: RegExp, hidden: readonly string[] = []) =>
  (error: unknown): true => {
    assert.ok(error instanceof RaptError, inspect(error));
    assert.equal(error.kind, kind, error.message);
    assert.match(error.message, pattern);
    for (const text of [accessKey, secretKey, ...Object.values(tokens), ...hidden])
      assert.ok(!everything(error).includes(text), 'a secret is in an error');
    return true;
  };

describe('the credential server', () => {
  it("answers a token with its role's keys in AWS's form, and logs who got them but no key", async () => {
    const { url, said } = await start();
    const { status, headers, text } = await ask(url, { headers: { Authorization: tokens.gpu } });
    assert.deepEqual(
      [status, headers['content-type'], headers['cache-control']],
      [200, 'application/json', 'no-store'],
    );
    const answer = JSON.parse(text) as Record<string, string>;
    assert.deepEqual(Object.keys(answer).sort(), ['AccessKeyId', 'Expiration', 'SecretAccessKey', 'Token']);
    const left = Date.parse(answer['Expiration']!) - Date.now();
    assert.ok(left > 890_000 && left <= 900_000, `${left} ms`);
    const store = createMinioStore({
      endpoint,
      bucket,
      accessKey: answer['AccessKeyId']!,
      secretKey: answer['SecretAccessKey']!,
      sessionToken: answer['Token'],
      retry: QUICK,
    });
    await store.put(keys.checkpointPointer('acme', 'run'), Buffer.from('{}'));
    await assert.rejects(store.put('releases/acme/x', Buffer.from('x')), /AccessDenied/);
    assert.match(said.join('\n'), /^gpu \(grant [0-9a-f]{12}\): keys until \d{4}-.*Z$/);
    for (const secret of [...Object.values(answer).filter((value) => value !== answer['Expiration']), tokens.gpu])
      assert.ok(!said.join().includes(secret));
  });

  it('gives each token its own role, asked by a worker', async () => {
    const { url } = await start();
    const storeOf = (token: string) =>
      createMinioStore({ endpoint, bucket, keys: keysFrom(() => ({ url, token }), 'TOKEN'), retry: QUICK });
    await storeOf(tokens.acme).put('releases/acme/x', Buffer.from('x'));
    await assert.rejects(
      storeOf(tokens.acme).put('releases/other/x', Buffer.from('x')),
      failure(ErrorKind.accessDenied, /AccessDenied/),
    );
    await assert.rejects(
      storeOf(tokens.gpu).remove('releases/acme/x'),
      failure(ErrorKind.accessDenied, /AccessDenied/),
    );
    assert.notEqual(await root.read('releases/acme/x'), null);
  });

  it('gives nothing without a token, or to an unknown one', async () => {
    const { url, said } = await start();
    const status = async (authorization?: string): Promise<number> =>
      (await ask(url, { headers: authorization === undefined ? {} : { Authorization: authorization } })).status;
    assert.equal(await status(), 401);
    for (const wrong of [
      '',
      'x',
      `Bearer ${tokens.gpu}`,
      tokens.gpu.slice(1),
      `${tokens.gpu}x`,
      tokens.gpu.toUpperCase(),
      GRANTS[1]!.sha256,
      newToken(),
    ])
      assert.ok([401, 403].includes(await status(wrong)), wrong);
    assert.deepEqual(said, []);
    const lost = createMinioStore({
      endpoint,
      bucket,
      keys: keysFrom(() => ({ url, token: 'planted-token' }), 'RAPT_S3_CREDENTIALS_TOKEN_FILE'),
      retry: QUICK,
    });
    const says =
      /gives no keys for the object store to the token of RAPT_S3_\w+_FILE \(status 403\).*rapt credentials grant/;
    const refused = failure(ErrorKind.credentialsRefused, says, ['planted-token']);
    await assert.rejects(lost.read('releases/acme/x'), refused);
  });

  it('forgets a grant that is taken back, and knows a new one, while it runs', async () => {
    let grants: readonly Grant[] = [];
    const { url } = await start({ grants: () => grants });
    const status = async (): Promise<number> => (await ask(url, { headers: { Authorization: tokens.gpu } })).status;
    assert.equal(await status(), 403);
    grants = GRANTS;
    assert.equal(await status(), 200);
    grants = [];
    assert.equal(await status(), 403);
  });

  it('answers no page, under no other name, and nothing else', async () => {
    const { url } = await start();
    const { host, port } = new URL(url);
    const headers = { Authorization: tokens.gpu };
    for (const origin of ['http://evil.example', `http://${host}`, 'null'])
      for (const method of ['GET', 'OPTIONS']) {
        const reply = await ask(url, { method, headers: { ...headers, Origin: origin } });
        assert.deepEqual(
          [reply.status, reply.headers['access-control-allow-origin']],
          [403, undefined],
          `${method} from ${origin}`,
        );
      }
    for (const wrong of ['evil.example', `evil.example:${port}`, '127.0.0.1', `127.0.0.1:${Number(port) + 1}`])
      assert.equal((await ask(url, { headers: { ...headers, Host: wrong } })).status, 421, wrong);
    assert.equal((await ask(url, { headers: { ...headers, Host: `localhost:${port}` } })).status, 200);
    for (const method of ['POST', 'PUT', 'OPTIONS'])
      assert.equal((await ask(url, { method, headers })).status, 405, method);
    assert.equal((await ask(url.replace(CREDENTIALS_PATH, '/'), { headers })).status, 404);
    assert.equal((await ask(url.replace(CREDENTIALS_PATH, '/health'), { headers: { Host: '10.0.0.7' } })).text, 'ok');
  });

  it('can be reached from other machines by TLS alone, and by its name', async () => {
    const open = { listen: { host: '0.0.0.0', port: 0 }, publicHost: 'localhost' };
    await assert.rejects(
      start(open),
      /--listen 0\.0\.0\.0:0: can be reached from other machines: it needs TLS .* and .* \(--public-host\)/,
    );
    const authority = createAuthority(temporaryFolder());
    const { cert, key } = authority.issue('keys');
    const tls = { cert: readFileSync(cert), key: readFileSync(key) };
    await assert.rejects(start({ ...open, publicHost: null, tls }), /--public-host/);
    const url = (await start({ ...open, tls })).url.replace('0.0.0.0', '127.0.0.1');
    const ca = readFileSync(authority.cert);
    assert.equal((await ask(url, { ca, headers: { Authorization: tokens.gpu, Host: 'localhost' } })).status, 200);
    assert.equal((await ask(url, { ca, headers: { Authorization: tokens.gpu } })).status, 421);
    await assert.rejects(ask(url, { headers: { Authorization: tokens.gpu, Host: 'localhost' } }), /certificate/);
  });

  it('has no keys at the moment when MinIO refuses its own or no grants can be read; its log says why', async () => {
    const refused = await start({
      issue: createIssuer({ endpoint, bucket, keys: { accessKey, secretKey: 'planted-secret' }, durationSeconds: 900 }),
    });
    const reply = await ask(refused.url, { headers: { Authorization: tokens.gpu } });
    assert.deepEqual(
      [reply.status, reply.text],
      [503, 'no keys at the moment; the log of the credential server says why'],
    );
    assert.match(
      refused.said.join(),
      /^gpu \(grant \w+\): no keys\. the object store at http:.* issues no keys \(AccessDenied\); check RAPT_S3_/,
    );
    assert.ok(![accessKey, 'planted-secret', tokens.gpu].some((secret) => refused.said.join().includes(secret)));
    const away = await start({
      issue: createIssuer({
        endpoint: 'http://127.0.0.1:9',
        bucket,
        keys: { accessKey, secretKey },
        durationSeconds: 900,
      }),
    });
    assert.equal((await ask(away.url, { headers: { Authorization: tokens.gpu } })).status, 503);
    assert.match(away.said.join(), /issues no keys \(ECONNREFUSED\); is it up/);
    const broken = await start({ grants: () => parseGrants('nonsense', 'grants') });
    assert.equal((await ask(broken.url, { headers: { Authorization: tokens.gpu } })).status, 503);
    assert.match(broken.said.join(), /grants, line 1: must be the SHA-256 of a token and a role/);
  });
});

describe('grants', () => {
  it('are lines that people can read, and hold no token', () => {
    const text = GRANTS.map((grant) => formatGrant(grant, '2026-11-25')).join('');
    assert.match(text, /^[0-9a-f]{64} client acme # 2026-11-25\n[0-9a-f]{64} gpu # 2026-11-25\n$/);
    for (const token of Object.values(tokens)) assert.ok(!text.includes(token));
    assert.deepEqual(parseGrants(`# ours\n\n${text}`, 'grants'), GRANTS);
  });

  it('are refused when a line is wrong, each with its number', () => {
    const good = formatGrant(GRANTS[0]!, '');
    assert.throws(
      () =>
        parseGrants(
          `${good}${good.replace('client acme', 'client *')}x gpu\n${good.replace('client acme', 'root')}`,
          'grants',
        ),
      (error: Error) => {
        assert.deepEqual(
          error.message.split('\n').map((line) => line.split(':')[0]),
          ['grants, line 2', 'grants, line 3', 'grants, line 4'],
        );
        return true;
      },
    );
  });
});

test('a token goes by TLS, or to this machine', () => {
  for (const good of [
    'https://keys.example.org/credentials',
    'http://127.0.0.1:8235/credentials',
    'http://127.9.9.9/',
    'http://localhost:1/x',
    'http://[::1]:8235/',
    'http://169.254.170.2/v2',
    'http://169.254.170.23/v1/credentials',
  ])
    checkKeyServerUrl(good, 'URL');
  for (const bad of [
    'http://keys.example.org/credentials',
    'http://10.0.0.7:8235/',
    'http://127.evil.example/',
    'http://localhost.evil.example/',
    'ftp://127.0.0.1/',
    'https://user:planted@keys.example.org/',
    '127.0.0.1:8235',
    '',
  ])
    assert.throws(
      () => checkKeyServerUrl(bad, 'URL'),
      (error: Error) =>
        /^URL: must be an address such as "https/.test(error.message) && !error.message.includes('planted'),
      bad,
    );
});

describe('keys that end', () => {
  const made = (serial: number, expiresMs: number): IssuedKeys => ({
    accessKey: `access-${serial}`,
    secretKey: `secret-${serial}`,
    sessionToken: `session-${serial}`,
    expiresMs,
  });

  it('are asked for once, and again before they end, while requests go on with those at hand', async () => {
    let now = 0;
    let asked = 0;
    const renewed = new RenewedKeys(
      () => Promise.resolve(made(++asked, now + 900_000)),
      () => now,
    );
    const [first, same] = await Promise.all([renewed.get(), renewed.get()]);
    assert.equal(first, same);
    now = 599_000;
    assert.equal((await renewed.get()).accessKey, 'access-1');
    assert.equal(asked, 1, 'more than five minutes are left');
    now = 601_000;
    assert.equal((await renewed.get()).accessKey, 'access-1', 'no request waits for the next keys');
    assert.equal((await renewed.get()).accessKey, 'access-2');
    assert.equal(asked, 2);
    assert.deepEqual(renewed.secrets, ['secret-2', 'access-2', 'session-2', 'secret-1', 'access-1', 'session-1']);
  });

  it('are used to their end while there are no others; not every request asks for others', async () => {
    let now = 0;
    let asked = 0;
    let answers = true;
    const source: KeySource = () => {
      asked++;
      return answers
        ? Promise.resolve(made(asked, now + 900_000))
        : Promise.reject(new RaptError(ErrorKind.unavailable, 'nobody answers'));
    };
    const renewed = new RenewedKeys(source, () => now);
    await renewed.get();
    answers = false;
    for (now = 600_000; now < 660_000; now += 100) assert.equal((await renewed.get()).accessKey, 'access-1');
    assert.equal(asked, 1 + 6, 'once in ten seconds');
    now = 900_000;
    await assert.rejects(renewed.get(), /nobody answers/);
    answers = true;
    assert.equal((await renewed.get()).accessKey, `access-${asked}`);
  });

  it('are renewed on the real store while it is used, by an issuer whose keys hold 600 ms', async () => {
    const seen = new Set<string>();
    const store = createMinioStore({
      endpoint,
      bucket,
      retry: QUICK,
      keys: async () => {
        const issued = await issue(ACME);
        seen.add(issued.accessKey);
        return { ...issued, expiresMs: Date.now() + 600 };
      },
    });
    const start = Date.now();
    let writes = 0;
    while (Date.now() - start < 2500) await store.put(`releases/acme/renewed-${writes++}`, Buffer.from('x'));
    assert.ok(seen.size >= 4 && seen.size <= 12, `${seen.size} keys for ${writes} writes`);
  });

  it('are replaced at once when the store says that they have ended, whichever of its words it uses', async () => {
    let issued = 0;
    const ended = new Set<string>();
    let refuse: { status: number; code: string } | number | null = null;
    const proxy = await startHttpProxy(endpoint, ({ headers: { authorization = '' } }) => {
      const id = /Credential=([^/]+)/.exec(authorization)?.[1] ?? '';
      if (refuse === null || (ended.size > 0 && !ended.has(id))) return 'pass';
      ended.add(id);
      return refuse;
    });
    const store = createMinioStore({
      endpoint: proxy.endpoint,
      bucket,
      keys: () => (issued++, issue(ACME)),
      retry: QUICK,
    });
    await store.put('releases/acme/first', Buffer.from('x'));
    // The first as AWS says it, the next as MinIO does, and what is left of either in the answer to HEAD.
    for (const [index, refusal] of [
      { status: 400, code: 'ExpiredToken' },
      { status: 403, code: 'InvalidAccessKeyId' },
      403,
    ].entries()) {
      ended.clear();
      refuse = refusal;
      assert.equal(String((await store.read('releases/acme/first'))?.body), 'x');
      await store.put(`releases/acme/after-${index}`, Buffer.from('y'));
      assert.equal(issued, index + 2, 'asked once each time');
    }
    proxy.close();
  });

  it('outlive a server that is killed and started again: no request is refused for good', async (t) => {
    let issued = 0;
    const store = createMinioStore({ endpoint, bucket, keys: () => (issued++, issue(ACME)) });
    let writes = 0;
    let away = 0;
    const ended = new AbortController();
    const writing = (async () => {
      while (!ended.signal.aborted || writes === 0) {
        const ref = await store.put(`releases/acme/restart-${writes}`, Buffer.from('x')).catch(nullWhileUnavailable);
        if (ref === null) away++;
        else writes++;
      }
    })();
    // Told when it is awaited.
    writing.catch(() => undefined);
    for (let round = 0; round < 3; round++) {
      await server.stop();
      await server.start();
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    ended.abort();
    await writing;
    t.diagnostic(
      `${writes} writes over three restarts, ${away} of them given up while the server was away, keys issued ` +
        `${issued} times`,
    );
  });

  it('that were stolen end at the store: MinIO takes none whose session token is another', async () => {
    const [one, other] = [await issue(ACME), await issue(GPU)];
    for (const mixed of [
      { ...one, sessionToken: other.sessionToken },
      { ...one, sessionToken: undefined },
    ]) {
      const store = createMinioStore({ endpoint, bucket, ...mixed, retry: QUICK });
      const hidden = [one.secretKey, one.accessKey, other.sessionToken];
      const refused = /refused \((InvalidTokenId|InvalidAccessKeyId)\)/;
      await assert.rejects(store.read('releases/acme/x'), failure(ErrorKind.credentialsRefused, refused, hidden));
    }
  });

  it('are not in what is said of a failure, neither those at hand nor those before', async () => {
    let serial = 0;
    const planted: string[] = [];
    const echo = http.createServer((request, reply) => {
      request.resume();
      const body =
        `<?xml version="1.0"?><Error><Code>InternalError</Code><Message>${planted.join(' ')} ` +
        `${String(request.headers.authorization)}</Message></Error>`;
      reply.writeHead(400, { 'Content-Type': 'application/xml' }).end(body);
    });
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    const store = createMinioStore({
      endpoint: `http://127.0.0.1:${(echo.address() as AddressInfo).port}`,
      bucket,
      retry: { ...QUICK, attempts: 1 },
      keys: () => {
        const next = {
          accessKey: `planted-access-${++serial}`,
          secretKey: `planted-secret-${serial}`,
          sessionToken: `planted-session-${serial}`,
          expiresMs: Date.now() + 30,
        };
        planted.push(next.accessKey, next.secretKey, next.sessionToken);
        return Promise.resolve(next);
      },
    });
    for (let round = 0; round < 3; round++) {
      await assert.rejects(store.read('x'), (error) => {
        assert.match(everything(error), /Credential=\*\*\*/, 'what the server answered is there');
        assert.ok(!everything(error).includes('planted'), everything(error));
        return true;
      });
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    assert.ok(serial >= 3);
    echo.close();
    echo.closeAllConnections();
  });
});

function nullWhileUnavailable(error: unknown): null {
  if (error instanceof RaptError && error.kind === ErrorKind.unavailable) return null;
  throw error;
}

describe('an issuer that is killed', () => {
  it('is not missed until the keys end, and then is waited for', async () => {
    const first = await start();
    const port = Number(new URL(first.url).port);
    const { url } = first;
    let holdsMs = 800;
    const asked = keysFrom(() => ({ url, token: tokens.acme }), 'TOKEN');
    const store = createMinioStore({
      endpoint,
      bucket,
      retry: QUICK,
      keys: async () => ({ ...(await asked()), expiresMs: Date.now() + holdsMs }),
    });
    await store.put('releases/acme/before', Buffer.from('x'));
    await first.close();
    await store.put('releases/acme/meanwhile', Buffer.from('x'));
    await new Promise((resolve) => setTimeout(resolve, 850));
    await assert.rejects(
      store.put('releases/acme/ended', Buffer.from('x')),
      failure(
        ErrorKind.unavailable,
        /looking up "releases\/acme\/ended" in bucket "rapt-test": no keys .* \(ECONNREFUSED\); .* `rapt up` starts it/,
      ),
    );
    const waiting = eventually('the store is used again', 10_000, () =>
      store.put('releases/acme/ended', Buffer.from('x')).catch(nullWhileUnavailable),
    );
    holdsMs = 900_000;
    await start({ listen: { host: '127.0.0.1', port } });
    await waiting;
    assert.notEqual(await root.read('releases/acme/ended'), null);
  });

  it('that answers nonsense, or leads elsewhere, is as one that does not answer', async () => {
    const answers: [number, Record<string, string>, string][] = [
      [200, {}, 'planted'],
      [200, {}, '{"AccessKeyId":"planted"}'],
      [
        200,
        {},
        JSON.stringify({ AccessKeyId: 'planted', SecretAccessKey: 'planted', Token: 'planted', Expiration: 'soon' }),
      ],
      [302, { Location: 'http://127.0.0.1:9/planted' }, ''],
      [500, {}, 'planted'],
      [404, {}, 'planted'],
    ];
    const strange = http.createServer((_, reply) => {
      const [status, headers, body] = answers[0]!;
      reply.writeHead(status, headers).end(body);
    });
    await new Promise<void>((resolve) => strange.listen(0, '127.0.0.1', resolve));
    const source = keysFrom(
      () => ({
        url: `http://127.0.0.1:${(strange.address() as AddressInfo).port}/credentials`,
        token: 'planted-token',
      }),
      'TOKEN',
    );
    for (; answers.length > 0; answers.shift())
      await assert.rejects(
        source(),
        failure(
          ErrorKind.unavailable,
          /no keys .* from http:.*:\d+ \((its answer holds no keys|status \d+|no connection|unknown error)/,
          ['planted'],
        ),
        JSON.stringify(answers[0]),
      );
    strange.close();
    strange.closeAllConnections();
    await assert.rejects(
      keysFrom(() => ({ url: 'http://127.0.0.1:9/', token: 'planted\ntoken' }), 'TOKEN')(),
      failure(ErrorKind.unavailable, /no keys/, ['planted']),
    );
  });
});
