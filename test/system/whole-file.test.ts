/** Files that a user named: whole or not there, and never an error that nobody hears. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BadInput } from '../../contracts/index.ts';
import { fileProblem, folderProblem, unwritable, writeWholeFile } from '../../system/index.ts';
import { temporaryFolder } from '../support/folder.ts';

const folder = temporaryFolder();

async function* pieces(count = 3): AsyncGenerator<string> {
  for (let piece = 0; piece < count; piece++) {
    await Promise.resolve();
    yield `piece ${piece}\n`;
  }
}
const problemOf = (path: string): Promise<string> =>
  writeWholeFile(path, pieces()).then(
    () => 'written',
    (error: unknown) => (error instanceof BadInput ? error.message : `another error: ${String(error)}`),
  );

test('the pieces are there in their order, for the user alone, and take the place of what was there', async () => {
  const path = join(folder, 'whole.csv');
  writeFileSync(path, 'before');
  await writeWholeFile(path, pieces());
  assert.equal(readFileSync(path, 'utf8'), 'piece 0\npiece 1\npiece 2\n');
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('a place that takes no file is one sentence with the reason', async () => {
  const own = join(folder, 'taken');
  mkdirSync(join(own, 'folder.csv'), { recursive: true });
  writeFileSync(join(own, 'file'), '');
  const told = {
    '/proc/answers.csv':
      /^\/proc\/answers\.csv: cannot be written \(ENOENT\): its folder does not exist, or takes no files; name a file/,
    [join(own, 'folder.csv')]: /cannot be written \((EISDIR|ENOTEMPTY|EEXIST)\)/,
    [join(own, 'file', 'answers.csv')]: /cannot be written \(ENOTDIR\): what stands before its last "\/" is no folder/,
    [join(own, `${'n'.repeat(300)}.csv`)]: /cannot be written \(ENAMETOOLONG\): its name is too long/,
    '/dev/full/answers.csv': /cannot be written \(ENOTDIR\)/,
  };
  for (const [path, expected] of Object.entries(told)) {
    assert.match(await problemOf(path), expected);
    // Known before there is anything to write, in the same words.
    assert.match(fileProblem(path)!, /^cannot be written \([A-Z]+\): /);
  }
  assert.equal(fileProblem(join(own, 'answers.csv')), null);
  assert.deepEqual(readdirSync(own).sort(), ['file', 'folder.csv'], 'nothing is left');
  // No disk is filled for it: this is what a write answers then.
  const full = unwritable('/data/a.csv', Object.assign(new Error('write'), { code: 'ENOSPC', syscall: 'write' }));
  assert.ok(full instanceof BadInput);
  assert.equal(
    full.message,
    '/data/a.csv: cannot be written, since its disk has no space left; free some, or name a file elsewhere',
  );
});

test('a folder that is to be made is tried in the nearest one that is there; one below a file is refused', () => {
  const own = join(folder, 'made');
  mkdirSync(own);
  writeFileSync(join(own, 'file'), '');
  assert.match(fileProblem(join(own, 'a', 'b.csv'))!, /\(ENOENT\)/);
  assert.deepEqual(
    [fileProblem(join(own, 'a', 'b.csv'), { makesFolders: true }), folderProblem(join(own, 'a', 'b'))],
    [null, null],
  );
  assert.match(folderProblem(join(own, 'file'))!, /\(ENOTDIR\)/);
  // A device is written in place: no other file can take its.
  assert.equal(fileProblem('/dev/null', { inPlace: true }), null);
  assert.deepEqual(readdirSync(own), ['file']);
});

test('a symbolic link stays, and the file that it leads to is written, whole or not at all', async () => {
  const own = join(folder, 'links');
  for (const name of ['results', 'elsewhere']) mkdirSync(join(own, name), { recursive: true });
  symlinkSync('elsewhere', join(own, 'folder'));
  // Of a link in a folder that is a link itself, ".." leads out of the real folder.
  symlinkSync('../results/a.csv', join(own, 'elsewhere', 'first.csv'));
  symlinkSync(join('folder', 'first.csv'), join(own, 'second.csv'));
  for (const path of [join(own, 'folder', 'first.csv'), join(own, 'second.csv')]) {
    rmSync(join(own, 'results', 'a.csv'), { force: true });
    await assert.rejects(
      writeWholeFile(path, pieces(), { beforeName: () => Promise.reject(new Error('not allowed')) }),
      /not allowed/,
    );
    assert.deepEqual(readdirSync(join(own, 'results')), [], 'a dangling link, and nothing stays');
    await writeWholeFile(path, pieces());
    await writeWholeFile(path, pieces(1));
    assert.equal(readFileSync(join(own, 'results', 'a.csv'), 'utf8'), 'piece 0\n');
    assert.ok(lstatSync(path).isSymbolicLink());
  }
  assert.deepEqual(
    [readdirSync(own).sort(), readdirSync(join(own, 'elsewhere')), readdirSync(join(own, 'results'))],
    [['elsewhere', 'folder', 'results', 'second.csv'], ['first.csv'], ['a.csv']],
  );
});

test('a symbolic link to where nothing can be written is told by its own name', async () => {
  const own = join(folder, 'bad-links');
  mkdirSync(own);
  symlinkSync('loop.csv', join(own, 'loop.csv'));
  symlinkSync('none/a.csv', join(own, 'nowhere.csv'));
  for (const [name, reason] of [
    ['loop.csv', '(ELOOP): it is a symbolic link that leads back to itself'],
    ['nowhere.csv', '(ENOENT): its folder does not exist, or takes no files'],
  ] as const) {
    const path = join(own, name);
    const problem = `cannot be written ${reason}; name a file in a folder that this user may write to`;
    assert.equal(await problemOf(path), `${path}: ${problem}`);
    assert.equal(fileProblem(path), problem);
  }
});

test('what fails while the content is made is told as it is, and nothing stays', async () => {
  const own = join(folder, 'failing');
  mkdirSync(own);
  async function* failing(): AsyncGenerator<string> {
    yield* pieces();
    throw Object.assign(new Error('of the source'), { code: 'EIO', syscall: 'read' });
  }
  await assert.rejects(writeWholeFile(join(own, 'a.csv'), failing()), /of the source/);
  await assert.rejects(
    writeWholeFile(join(own, 'a.csv'), pieces(), { beforeName: () => Promise.reject(new Error('not allowed')) }),
    /not allowed/,
  );
  assert.deepEqual(readdirSync(own), []);
});

test('a writing that is stopped leaves nothing', async () => {
  const own = join(folder, 'stopped');
  mkdirSync(own);
  const stop = new AbortController();
  async function* endless(): AsyncGenerator<string> {
    for (let piece = 0; ; piece++) {
      if (piece === 100) stop.abort();
      await Promise.resolve();
      yield `piece ${piece}\n`;
    }
  }
  await assert.rejects(writeWholeFile(join(own, 'a.csv'), endless(), { signal: stop.signal }), { name: 'AbortError' });
  assert.deepEqual(readdirSync(own), []);
});

test('what a killed process left is removed by the next one; what a living one writes stays', async () => {
  const own = join(folder, 'left');
  mkdirSync(own);
  const ended = spawn(process.execPath, ['-e', '']);
  await once(ended, 'exit');
  const partOf = (pid: number): string => `a.csv.${hostname()}-${pid}-0123456789ab.part`;
  const living = partOf(process.pid);
  for (const name of [partOf(ended.pid!), living, 'a.csv.part', 'b.csv']) writeFileSync(join(own, name), '');
  await writeWholeFile(join(own, 'a.csv'), pieces());
  assert.deepEqual(readdirSync(own).sort(), ['a.csv', living, 'a.csv.part', 'b.csv'].sort());
});
