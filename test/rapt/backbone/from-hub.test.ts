/** Backbones from a model hub: what is asked for in which order, what happens on bad networks, and what is told. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { DEFAULT_BACKBONE, DEFAULT_BACKBONE_ON_HUB, ErrorKind, type RaptError } from '../../../contracts/index.ts';
import { loadTokenizer, locateBackbone, type BackboneFiles } from '../../../rapt/backbone/index.ts';
import { onHubNews } from '../../../rapt/hub/index.ts';
import { createAuthority } from '../../support/certificates.ts';
import { FakeHub } from '../../support/fake-hub.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { startForwardProxy } from '../../support/forward-proxy.ts';
import { eventually } from '../../support/probe.ts';
import { shardTinyModel, TINY, writeTinyModel } from '../../support/tiny-model.ts';

const CHILD = fileURLToPath(new URL('../../support/locate-child.ts', import.meta.url));
const folder = temporaryFolder();
const [whole, other, sharded] = [
  writeTinyModel(join(folder, 'whole')),
  writeTinyModel(join(folder, 'other'), 2),
  shardTinyModel(writeTinyModel(join(folder, 'sharded')), 3),
];
const having = (name: string, change: (model: string) => void): string => {
  const model = writeTinyModel(join(folder, name));
  change(model);
  return model;
};
const WEIGHTS = 'org/tiny/model.safetensors';
const hub = await FakeHub.start();
const commit = hub.add('org/tiny', whole);

/** Nothing of the machine on which the tests run. */
const OWN = [
  'HF_ENDPOINT',
  'HF_TOKEN',
  'HF_TOKEN_PATH',
  'HF_HOME',
  'HF_HUB_CACHE',
  'HF_HUB_OFFLINE',
  'TRANSFORMERS_OFFLINE',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'RAPT_CACHE',
];
const before = Object.fromEntries(OWN.map((name) => [name, process.env[name]]));
const news: string[] = [];
let caches = 0;
let cache = '';
const set = (env: Readonly<Record<string, string>>): void => void Object.assign(process.env, env);

beforeEach(() => {
  for (const name of OWN) Reflect.deleteProperty(process.env, name);
  cache = join(folder, `cache ${++caches}`);
  set({ HF_ENDPOINT: hub.endpoint, HF_HOME: join(folder, 'nobody'), RAPT_CACHE: cache });
  hub.forget();
  news.length = 0;
  onHubNews((line) => news.push(line));
});
afterEach(() => {
  for (const [name, value] of Object.entries(before)) {
    Reflect.deleteProperty(process.env, name);
    if (value !== undefined) process.env[name] = value;
  }
});

/** A long pattern, written in pieces. */
const pattern = (...pieces: readonly RegExp[]): RegExp => new RegExp(pieces.map(({ source }) => source).join(''));

/** @throws AssertionError unless the backbone is refused in this way. */
async function refused(name: string, kind: ErrorKind, says: RegExp): Promise<void> {
  await assert.rejects(locateBackbone(name), (error: RaptError) => {
    assert.match(error.message, says);
    assert.equal(error.kind, kind, error.message);
    assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes('planted'), 'no secret in an error');
    return true;
  });
}

const inCache = (): string[] => readdirSync(join(cache, 'backbones')).sort();

interface ChildEnd extends Partial<BackboneFiles> {
  readonly error?: string;
  readonly said: string;
}

function child(
  name: string,
  env: NodeJS.ProcessEnv = {},
): { readonly kill: () => void; readonly end: Promise<ChildEnd | null> } {
  const started = spawn(process.execPath, ['--import', 'tsx', CHILD, name], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, said] = ['', ''];
  started.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  started.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return {
    kill: () => started.kill('SIGKILL'),
    end: once(started, 'close').then(() =>
      out === '' ? null : { ...(JSON.parse(out) as Partial<BackboneFiles>), said },
    ),
  };
}

describe('a model of the hub', () => {
  it('that set-up has is taken from there under its name on the hub, and a revision of it is asked for', async () => {
    const provided = writeTinyModel(join(cache, 'backbones', DEFAULT_BACKBONE));
    const { name, isPublic, folder: found } = await locateBackbone(DEFAULT_BACKBONE_ON_HUB);
    assert.deepEqual([name, isPublic, found], [DEFAULT_BACKBONE_ON_HUB, true, provided]);
    assert.deepEqual(hub.asked, []);
    await assert.rejects(locateBackbone(`${DEFAULT_BACKBONE_ON_HUB}@v2`), { kind: ErrorKind.notFound });
    assert.notDeepEqual(hub.asked, []);
  });

  it('is fetched once, config.json first, at the commit that its branch names; and is that of the folder', async () => {
    const found = await locateBackbone('org/tiny');
    assert.deepEqual(
      [found.name, found.isPublic, found.commit, found.sha256],
      ['org/tiny', true, commit, (await locateBackbone(whole)).sha256],
    );
    assert.equal(hub.asked[0]!.what, 'org/tiny/main/config.json');
    for (const { what } of hub.asked.slice(1))
      assert.ok(what.startsWith(`org/tiny/${commit}/`) || what === WEIGHTS, what);
    assert.deepEqual(
      hub.fetched().sort(),
      [
        WEIGHTS,
        'org/tiny/main/config.json',
        ...['model.safetensors', 'tokenizer.json', 'tokenizer_config.json'].map((file) => `org/tiny/${commit}/${file}`),
      ].sort(),
    );
    for (const file of ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'])
      assert.deepEqual(readFileSync(join(found.folder, file)), readFileSync(join(whole, file)), file);
    assert.equal(
      (JSON.parse(readFileSync(join(found.folder, 'rapt-hub.json'), 'utf8')) as { commit: string }).commit,
      commit,
    );
    assert.deepEqual(inCache(), ['org--tiny']);
    assert.equal((await loadTokenizer(found.folder)).tokens.length, TINY.vocabulary);
    const asked = hub.asked.length;
    assert.deepEqual(await locateBackbone('org/tiny'), found);
    assert.equal(hub.asked.length, asked, 'the second time nobody is asked');
    assert.match(
      news.join('\n'),
      new RegExp(`fetches org/tiny \\(${commit.slice(0, 12)}\\) from 127\\.0\\.0\\.1:\\d+: \\d+ kB`),
    );
  });

  it('is of the revision that stands behind its name: a tag, a branch with a slash, a commit', async () => {
    const older = hub.add('org/tiny', other, 'v1');
    hub.models.get('org/tiny')!.revisions['refs/pr/7'] = older;
    const { sha256 } = await locateBackbone(other);
    for (const revision of ['v1', 'refs/pr/7', older]) {
      const found = await locateBackbone(`org/tiny@${revision}`);
      assert.deepEqual(
        [found.name, found.isPublic, found.commit, found.sha256],
        [`org/tiny@${revision}`, true, older, sha256],
      );
    }
    assert.notEqual((await locateBackbone('org/tiny')).sha256, sha256);
    await refused(
      'org/tiny@v9',
      ErrorKind.notFound,
      pattern(
        /^backbone "org\/tiny@v9": .* has the model, but no revision "v9" of it \(404\); /,
        /https:.*\/org\/tiny\/commits tells which there are$/,
      ),
    );
  });

  it('may come in shards', async () => {
    hub.add('org/sharded', sharded);
    const found = await locateBackbone('org/sharded');
    assert.equal(found.sha256, (await locateBackbone(sharded)).sha256);
    assert.equal(hub.fetched().filter((what) => /^org\/sharded\/model-.*safetensors$/.test(what)).length, 3);
  });

  it('is shown a token, which goes to the hub alone and into no file', async () => {
    set({ HF_TOKEN: 'planted-token' });
    const { folder: found } = await locateBackbone('org/tiny');
    for (const { what, authorization } of hub.asked)
      assert.equal(authorization, what === WEIGHTS ? undefined : 'Bearer planted-token', what);
    for (const file of readdirSync(found)) assert.ok(!readFileSync(join(found, file)).includes('planted'), file);
    rmSync(cache, { recursive: true });
    hub.forget();
    writeFileSync(join(folder, 'token'), 'planted-file-token\n');
    set({ HF_TOKEN: '', HF_TOKEN_PATH: join(folder, 'token') });
    await locateBackbone('org/tiny');
    assert.equal(hub.asked[0]!.authorization, 'Bearer planted-file-token');
    assert.ok(!news.join().includes('planted'));
  });
});

describe('a model that cannot be used is refused before its weights come', () => {
  const fetchedOf = (name: string): string[] => hub.fetched().filter((what) => what.startsWith(name));

  it('for its family', async () => {
    hub.add(
      'org/gpt',
      having('gpt', (model) => writeFileSync(join(model, 'config.json'), JSON.stringify({ model_type: 'gpt2' }))),
    );
    await refused(
      'org/gpt',
      ErrorKind.badInput,
      pattern(
        /^backbone "org\/gpt": config\.json of org\/gpt: model_type "gpt2" is not supported; /,
        /use a model of the family bert, /,
      ),
    );
    assert.deepEqual(
      hub.asked.map(({ what }) => what),
      ['org/gpt/main/config.json'],
    );
  });

  it('for weights that are pickled, or a tokenizer in its slow form, with the command that converts them', async () => {
    const without = (name: string, missing: string, instead: string): string =>
      hub.add(
        name,
        having(name.replace('/', ' '), (model) => {
          rmSync(join(model, missing));
          writeFileSync(join(model, instead), 'x');
        }),
      );
    without('org/bin', 'model.safetensors', 'pytorch_model.bin');
    without('org/slow', 'tokenizer.json', 'vocab.txt');
    without('org/none', 'tokenizer.json', 'README.md');
    await refused(
      'org/bin',
      ErrorKind.notFound,
      pattern(
        /^backbone "org\/bin": .* lacks model\.safetensors; a model folder needs .*: /,
        /its weights are in pytorch_model\.bin alone\. Convert it, .*python3 -c .*m = 'org\/bin'/,
      ),
    );
    await refused(
      'org/slow',
      ErrorKind.notFound,
      pattern(
        /lacks tokenizer\.json; .*: /,
        /its tokenizer is in the slow form alone \(vocab\.txt\)\. Convert it, .*m = 'org\/slow'/,
      ),
    );
    await refused(
      'org/none',
      ErrorKind.notFound,
      /lacks tokenizer\.json; a model folder needs config\.json, model\.safetensors, tokenizer\.json$/,
    );
    for (const name of ['org/bin', 'org/slow', 'org/none'])
      assert.deepEqual(fetchedOf(name), [`${name}/main/config.json`]);
  });

  it('for the room that it takes', async () => {
    hub.decide = ({ what }) => (what.endsWith('/model.safetensors') ? { linkedSize: 1e15 } : undefined);
    await refused(
      'org/tiny',
      ErrorKind.noSpace,
      pattern(
        /^backbone "org\/tiny": it takes 1000000000 MB in .*, where \d+ MB are free; /,
        /free some, or put the cache elsewhere \(RAPT_CACHE\)$/,
      ),
    );
    assert.deepEqual(fetchedOf(''), ['org/tiny/main/config.json']);
  });
});

describe('a hub that says no', () => {
  const answer = (status: number, code = ''): void =>
    void (hub.decide = () => ({ status, headers: code === '' ? {} : { 'x-error-code': code } }));

  it('to a name is told apart from one that says no to whoever asks', async () => {
    await refused(
      'org/typo',
      ErrorKind.notFound,
      pattern(
        /^backbone "org\/typo": 127\.0\.0\.1:\d+ has no such model \(401\), or none that everybody may see; /,
        /check the name, or set HF_TOKEN to a token that may read it$/,
      ),
    );
    answer(403, 'GatedRepo');
    await refused(
      'org/tiny',
      ErrorKind.accessDenied,
      pattern(
        /gives it only to those who were let in \(403, gated\); /,
        /ask for access at https:.*\/org\/tiny, and set HF_TOKEN to a token of that account$/,
      ),
    );
    answer(401);
    await refused('org/tiny', ErrorKind.accessDenied, /asks who you are \(401\); set HF_TOKEN/);
    answer(404);
    await refused('org/tiny', ErrorKind.notFound, /has no such model \(404\)/);
    set({ HF_TOKEN: 'planted-token' });
    answer(401);
    await refused(
      'org/tiny',
      ErrorKind.accessDenied,
      /does not take the token of HF_TOKEN \(401\); it may have ended: make another$/,
    );
    answer(403, 'GatedRepo');
    await refused('org/tiny', ErrorKind.accessDenied, /use a token of the account that has it \(HF_TOKEN\)$/);
    assert.ok(
      hub.asked.every(({ what }) => what.endsWith('/main/config.json')),
      'each was told by the first answer',
    );
  });

  it('for a while is asked again, as late as it wishes, and this is told', async () => {
    const left = { 429: 2, 503: 1 };
    hub.decide = ({ what }) => {
      if (what.endsWith('main/config.json') && left[429]-- > 0) return { status: 429, headers: { 'retry-after': '0' } };
      return what === WEIGHTS && left[503]-- > 0
        ? { status: 503, headers: { 'retry-after': new Date().toUTCString() } }
        : undefined;
    };
    assert.equal((await locateBackbone('org/tiny')).commit, commit);
    assert.deepEqual(
      news.filter((line) => line.includes('answers')).map((line) => line.replace(/^\S+ /, '')),
      ['answers 429; asks again in 0 s', 'answers 429; asks again in 0 s', 'answers 503; asks again in 0 s'],
    );
  });

  it('for ever is left in the end', async () => {
    hub.decide = () => ({ status: 429, headers: { 'retry-after': '0' } });
    await refused(
      'org/tiny',
      ErrorKind.unavailable,
      pattern(
        /was asked too often from here \(429\), and still says so; /,
        /try again in some minutes, or set HF_TOKEN: with an account more may be asked$/,
      ),
    );
    assert.equal(hub.asked.length, 8);
    hub.decide = () => ({ status: 429, headers: { 'retry-after': '86400' } });
    await refused('org/tiny', ErrorKind.unavailable, /429/);
    assert.equal(hub.asked.length, 9, 'nobody waits for a day');
  });

  it('is told apart from one that is not there', async () => {
    set({ HF_ENDPOINT: 'http://127.0.0.1:1' });
    await refused(
      'org/tiny',
      ErrorKind.unavailable,
      pattern(
        /^backbone "org\/tiny": 127\.0\.0\.1:1 cannot be reached from here \(ECONNREFUSED\); is there a network\? /,
        /Behind a proxy, set HTTPS_PROXY; a mirror is named by HF_ENDPOINT; or give a local folder with config\.json/,
      ),
    );
    set({ HF_ENDPOINT: 'http://no-such-hub.invalid' });
    await refused(
      'org/tiny',
      ErrorKind.unavailable,
      /no-such-hub\.invalid cannot be reached from here \((ENOTFOUND|EAI_AGAIN)\)/,
    );
    set({ HF_ENDPOINT: 'hub.example.org' });
    await assert.rejects(
      locateBackbone('org/tiny'),
      /HF_ENDPOINT: must be an address such as https:\/\/huggingface\.co/,
    );
  });
});

describe('a fetch that is interrupted', () => {
  it('goes on where its connection broke', async () => {
    let cuts = 0;
    const part = join(cache, 'backbones', `.org--tiny@${commit}.part`, 'model.safetensors.part');
    hub.decide = ({ what }) => {
      if (what !== WEIGHTS || ++cuts > 2) return undefined;
      const sizeBytes = 5000 * cuts;
      return { cutAfter: 5000, arrived: () => existsSync(part) && statSync(part).size === sizeBytes };
    };
    assert.equal((await locateBackbone('org/tiny')).sha256, (await locateBackbone(whole)).sha256);
    assert.deepEqual(
      hub.asked.filter(({ what }) => what === WEIGHTS).map(({ range }) => range),
      [undefined, 'bytes=5000-', 'bytes=10000-'],
    );
  });

  it('goes on where its process was killed', async () => {
    hub.decide = ({ what }) => (what === WEIGHTS ? { hangAfter: 7000 } : undefined);
    const killed = child('org/tiny');
    const part = join(cache, 'backbones', `.org--tiny@${commit}.part`, 'model.safetensors.part');
    await eventually('the first bytes are on the disk', 60_000, () => existsSync(part) && statSync(part).size === 7000);
    killed.kill();
    assert.equal(await killed.end, null);
    hub.forget();
    const found = await locateBackbone('org/tiny');
    assert.equal(found.sha256, (await locateBackbone(whole)).sha256);
    assert.deepEqual(
      hub.asked.filter(({ what }) => what === WEIGHTS).map(({ range }) => range),
      ['bytes=7000-'],
    );
    assert.deepEqual(inCache(), ['org--tiny'], 'nothing is left over');
  });

  it('begins anew when the bytes are not those that the hub names, and says so when they come again', async () => {
    let flips = 1;
    hub.decide = ({ what }) => (what === WEIGHTS && flips-- > 0 ? { flipAt: 9000 } : undefined);
    assert.equal((await locateBackbone('org/tiny')).sha256, (await locateBackbone(whole)).sha256);
    rmSync(cache, { recursive: true });
    flips = Infinity;
    await refused(
      'org/tiny',
      ErrorKind.corruptArtifact,
      pattern(
        /^backbone "org\/tiny": model\.safetensors does not have the digest that the hub names \(.*\), /,
        /though it was fetched twice; does a proxy or a mirror change it\?$/,
      ),
    );
    assert.ok(!existsSync(join(cache, 'backbones', 'org--tiny')));
  });

  it('of an older version of Rapt, which left a folder without config.json, is begun anew', async () => {
    mkdirSync(join(cache, 'backbones', 'org--tiny'), { recursive: true });
    writeFileSync(join(cache, 'backbones', 'org--tiny', 'model.safetensors.part'), 'half');
    await locateBackbone('org/tiny');
    assert.deepEqual(
      readdirSync(join(cache, 'backbones', 'org--tiny'))
        .filter((file) => !file.startsWith('.'))
        .sort(),
      ['config.json', 'model.safetensors', 'rapt-hub.json', 'tokenizer.json', 'tokenizer_config.json'],
    );
  });
});

describe('fetches at the same time', () => {
  it('are one: of processes and within one', async () => {
    const others = [child('org/tiny'), child('org/tiny')];
    const here = await Promise.all([locateBackbone('org/tiny'), locateBackbone('org/tiny')]);
    const there = await Promise.all(others.map(({ end }) => end));
    for (const found of [...here, ...there])
      assert.deepEqual([found?.commit, found?.sha256], [commit, here[0].sha256], inspect(found));
    assert.equal(hub.fetched().filter((what) => what === WEIGHTS).length, 1);
    assert.deepEqual(inCache(), ['org--tiny']);
  });
});

describe('what is on the machine already', () => {
  const snapshot = (home: string, files: readonly string[]): void => {
    const root = join(home, 'hub', 'models--org--tiny');
    mkdirSync(join(root, 'refs'), { recursive: true });
    mkdirSync(join(root, 'snapshots', commit), { recursive: true });
    writeFileSync(join(root, 'refs', 'main'), commit);
    for (const file of files) symlinkSync(join(whole, file), join(root, 'snapshots', commit, file));
  };
  const ALL = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'];

  it("is taken from the cache of Hugging Face's own programs, which stays as it is", async () => {
    const home = join(folder, 'home of others');
    snapshot(home, ALL);
    set({ HF_HOME: home, HF_HUB_OFFLINE: '1' });
    const found = await locateBackbone('org/tiny');
    assert.deepEqual(
      [found.commit, found.isPublic, found.sha256],
      [commit, true, (await locateBackbone(whole)).sha256],
    );
    assert.equal((await loadTokenizer(found.folder)).tokens.length, TINY.vocabulary);
    assert.deepEqual(readdirSync(found.folder).sort(), ALL);
    assert.deepEqual(hub.asked, []);
  });

  it('is not taken when it is not whole; and nothing is fetched when that is forbidden', async () => {
    const home = join(folder, 'home with half');
    snapshot(home, ALL.slice(0, 2));
    set({ HF_HOME: home, HF_HUB_OFFLINE: '1' });
    await refused(
      'org/tiny',
      ErrorKind.notFound,
      pattern(
        /^backbone "org\/tiny" is not on this machine, and HF_HUB_OFFLINE forbids to fetch it; /,
        /unset that, or give a local folder$/,
      ),
    );
    set({ HF_HUB_OFFLINE: '0' });
    assert.equal((await locateBackbone('org/tiny')).folder, join(cache, 'backbones', 'org--tiny'));
  });
});

describe('a network with a proxy', () => {
  const authority = createAuthority(folder);

  it('is used as HTTP_PROXY and NO_PROXY say, the password staying with the proxy', async () => {
    const proxy = await startForwardProxy('me:planted-password');
    const hosts = new Set<string>();
    set({ HTTP_PROXY: `http://me:planted-password@${proxy.host}` });
    await locateBackbone('org/tiny');
    for (const host of proxy.passed) hosts.add(host);
    assert.equal(hosts.size, 2, 'the hub, and where large files lie');
    assert.ok([...hosts].every((host) => /^127\.0\.0\.1:\d+$/.test(host)));
    rmSync(cache, { recursive: true });
    proxy.passed.length = 0;
    set({ NO_PROXY: '127.0.0.1' });
    await locateBackbone('org/tiny');
    assert.deepEqual(proxy.passed, []);
    rmSync(cache, { recursive: true });
    set({ NO_PROXY: '', HTTP_PROXY: proxy.host });
    await refused(
      'org/tiny',
      ErrorKind.accessDenied,
      /the proxy of HTTPS_PROXY asks who you are \(407\); put user and password into its address/,
    );
  });

  it('is tunnelled through with TLS, whose authority Node is told of', async () => {
    const secure = await FakeHub.start(authority.issue('hub'));
    secure.add('org/tiny', whole);
    const proxy = await startForwardProxy('me:planted-password');
    const env = {
      HF_ENDPOINT: secure.endpoint,
      HTTPS_PROXY: `http://me:planted-password@${proxy.host}`,
      HF_TOKEN: 'planted-token',
    };
    const [trusting, doubting, stranger] = await Promise.all([
      child('org/tiny', { ...env, NODE_EXTRA_CA_CERTS: authority.cert }).end,
      child('org/tiny', { ...env, RAPT_CACHE: join(folder, 'doubting') }).end,
      child('org/tiny', {
        ...env,
        RAPT_CACHE: join(folder, 'stranger'),
        NODE_EXTRA_CA_CERTS: authority.cert,
        HTTPS_PROXY: `http://${proxy.host}`,
      }).end,
    ]);
    assert.equal(trusting?.commit, commit, inspect(trusting));
    assert.ok(
      proxy.passed.length > 0 && proxy.passed.every((host) => host.startsWith('CONNECT 127.0.0.1:')),
      proxy.passed.join(),
    );
    assert.match(
      doubting?.error ?? '',
      pattern(
        /the certificate of 127\.0\.0\.1:\d+ is not trusted /,
        /\((SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE)\); .*NODE_EXTRA_CA_CERTS$/,
      ),
    );
    assert.match(stranger?.error ?? '', /asks who you are \(407\)/);
    assert.ok(!inspect([trusting, doubting, stranger]).includes('planted'));
    assert.doesNotMatch(trusting.said, /Warning/);
  });
});
