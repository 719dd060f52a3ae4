import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { problemsOf } from '../../../infra/setup/checks.mjs';
import { askRegistries } from '../../../infra/setup/network.mjs';

/** Refuses all that it is asked. */
let refusing: Server;
let url = '';
const asked: string[] = [];
const saved = { ...process.env };

before(async () => {
  refusing = createServer(({ url: path }, answer) => {
    asked.push(path ?? '');
    answer.writeHead(403).end();
  });
  await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`;
});
after(() => {
  refusing.close();
  process.env = saved;
});

test('each tool asks where it is set to, and one sentence says that nothing comes, and the way out', async () => {
  Object.assign(process.env, {
    npm_config_registry: url,
    PIP_INDEX_URL: `${url}/simple`,
    PIP_NO_INDEX: '',
    PIP_FIND_LINKS: '',
    GOPROXY: url,
    GOMODCACHE: '/nonexistent/of-go',
  });
  const problems = problemsOf(await askRegistries(['npm', 'pip', 'go', 'npm']));
  assert.equal(problems.length, 3);
  assert.match(
    problems[0] ?? '',
    /^npm's registry gives nothing \(.*403.*\); connect this machine, or name a proxy by `npm config .*` or a mirror/,
  );
  assert.match(
    problems[1] ?? '',
    /^pip's index of packages gives nothing \(.*\); connect this machine, or name a proxy by `pip config set .*URL`/,
  );
  assert.match(
    problems[2] ?? '',
    /^Go's module proxy gives nothing \(.*403.*\); connect this machine, .*GOPROXY.* or set RAPT_MINIO_BIN/,
  );
  assert.ok(asked.some((path) => path === '/cli-progress'));
  assert.ok(asked.some((path) => path.startsWith('/simple/vadersentiment')));
  assert.ok(asked.some((path) => path.startsWith('/github.com/minio/minio/@v/')));
});

test('nothing is asked of those that have nothing to fetch', async () => {
  asked.length = 0;
  assert.deepEqual(await askRegistries([]), []);
  assert.deepEqual(asked, []);
});
