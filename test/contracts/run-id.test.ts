import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { idProblems, keys, parseKey } from '../../contracts/index.ts';
import { runFile, runFolder } from '../../rapt/home.ts';
import { temporaryFolder } from '../support/folder.ts';
import { minioOfFile } from '../support/minio.ts';

const { store } = await minioOfFile();
const home = temporaryFolder();
const TENANT = 't'.repeat(40);
const ATTEMPT = `1000-${'0'.repeat(36)}`;

const long = (parts: number, part: number): string => Array.from({ length: parts }, () => 'x'.repeat(part)).join('/');

const USABLE = {
  'what people write': 'nightly',
  'a path': 'team/nightly/checkpoints/x',
  'the words of keys': 'runs/checkpoints/predictions/00000050-1',
  "a file's name in the first place": 'latest.json',
  'thirty Chinese characters': '电影评论'.repeat(8).slice(0, 30),
  'as many as fit': '电'.repeat(76),
  'emoji and letters that combine': '🎬 cafe\u0301 ñ',
  'what addresses give a meaning to': 'a b?c#d%2Fe+f&g=h;"i"\'j\'<k>*|:~!',
  dots: '.../.hidden/a.',
  'the longest part': long(1, 230),
  'the longest of all': long(4, 199) + 'x',
};

const REFUSED: Record<string, [id: string, problem: RegExp]> = {
  nothing: ['', /no part between slashes that is empty/],
  'the folder above': ['..', /no part between slashes that is empty, "\." or "\.\."/],
  'one within': ['a/../b', /no part/],
  'a dot': ['./a', /no part/],
  'an empty part': ['a//b', /no part/],
  'a slash before': ['/a', /no part/],
  'a slash behind': ['a/', /no part/],
  'a part that is too long': ['x'.repeat(256), /at most 230 bytes between slashes/],
  'one in another script': ['电'.repeat(77), /at most 230 bytes between slashes/],
  'too many parts': [long(6, 199), /at most 800 bytes/],
  'a line break': ['a\nb', /control characters/],
  'a backslash': ['a\\b', /backslashes/],
  'half a character': ['a\ud800b', /not whole/],
  'a record of another run': ['nightly/latest.json', /must not have "latest\.json" after a slash/],
  'a file of its checkpoints': ['nightly/checkpoints/00000050-1/state.json/x', /"state\.json"/],
  'its predictions': [`nightly/predictions/${'0'.repeat(64)}.json`, /after a slash/],
  'its report': ['nightly/index.html', /"index\.html"/],
};

describe('the name of a run', () => {
  for (const [what, id] of Object.entries(USABLE))
    it(`may be ${what}: store and client keep it`, async () => {
      assert.deepEqual(idProblems(id, 'run', '--id'), []);
      const prefix = keys.checkpointPrefix(TENANT, id, 50, ATTEMPT);
      const digest = 'a'.repeat(64) as Parameters<typeof keys.predictions>[2];
      const stored = [
        `${prefix}optimizer.safetensors`,
        keys.checkpointPointer(TENANT, id),
        keys.predictions(TENANT, id, digest),
        keys.runManifest(TENANT, id),
        `${keys.reportPrefix(TENANT, id)}index.html`,
      ];
      for (const key of stored) {
        const ref = await store.put(key, Buffer.from(key));
        assert.equal((await store.get(ref)).toString(), key);
        const of = parseKey(key);
        assert.ok(of !== null && 'run' in of && of.run === id, key);
      }
      const listed: string[] = [];
      for await (const { key } of store.list(keys.runPrefix(TENANT, id))) listed.push(key);
      assert.deepEqual(listed.sort(), stored.slice(0, 4).sort());
      writeFileSync(join(runFolder(home, 'local', id), 'run.json'), id);
      assert.ok(existsSync(runFile(home, 'local', id, 'run.json')));
    });

  for (const [what, [id, problem]] of Object.entries(REFUSED))
    it(`may not be ${what}`, () => {
      const problems = idProblems(id, 'run', '--id');
      assert.equal(problems.length, 1);
      assert.match(problems[0]!.problem, problem);
      assert.equal(problems[0]!.where, '--id');
    });

  it('leaves room for those that are made of it', () => {
    assert.deepEqual(idProblems(`${'x'.repeat(200)}-2026-11-29T03:00:00Z`, 'run', 'id'), [], 'of a schedule');
    assert.deepEqual(idProblems(`${'x'.repeat(230)}-predict-0123abcd`, 'prediction', 'id'), [], 'of a prediction');
    assert.equal(idProblems('x'.repeat(201), 'schedule', 'id').length, 1);
  });

  it('tells everything that is wrong with it at once', () => {
    assert.equal(idProblems(`//${'x'.repeat(900)}/latest.json`, 'run', 'id').length, 4);
  });
});

describe("a run's folder on the client", () => {
  const folderOf = (id: string): string => basename(dirname(runFile(home, 'local', id, 'run.json')));

  it('is called as before where that is short enough', () => {
    assert.equal(folderOf('team/night ly'), 'team%2Fnight%20ly');
    assert.equal(folderOf('..'), '%2E%2E');
    assert.equal(folderOf('电'.repeat(28)), '%E7%94%B5'.repeat(28));
  });

  it('is another for each name, however long', () => {
    const names = ['电'.repeat(29), '电'.repeat(30), `${'电'.repeat(29)}a`].map(folderOf);
    assert.equal(new Set(names).size, 3);
    for (const name of names) assert.equal(Buffer.byteLength(name), 255);
  });
});
