/** Making folders, also where Node's own way hangs. */
import assert from 'node:assert/strict';
import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder } from '../../system/index.ts';
import { temporaryFolder } from '../support/folder.ts';

const folder = temporaryFolder();

test('all folders that are missing are made, with their mode, and may be there already', () => {
  const deep = join(folder, 'a', 'b', 'c');
  makeFolder(deep, 0o700);
  makeFolder(deep);
  for (const made of [deep, join(folder, 'a', 'b'), join(folder, 'a')])
    assert.equal(statSync(made).mode & 0o777, 0o700);
  mkdirSync(join(folder, 'there'));
  symlinkSync(join(folder, 'there'), join(folder, 'link'));
  makeFolder(join(folder, 'link', 'below'));
  assert.ok(statSync(join(folder, 'there', 'below')).isDirectory());
});

test('what cannot be one is an error of the file system', () => {
  writeFileSync(join(folder, 'file'), '');
  symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling'));
  for (const [path, code] of [
    [join(folder, 'file'), 'ENOTDIR'],
    [join(folder, 'file', 'x'), 'ENOTDIR'],
    [join(folder, 'dangling', 'x'), 'ENOENT'],
    ['/proc/x', 'ENOENT'],
    ['/proc/x/y', 'ENOENT'],
  ] as const)
    assert.throws(
      () => makeFolder(path),
      (error: NodeJS.ErrnoException) => error.code === code && error.syscall !== undefined,
      path,
    );
});
