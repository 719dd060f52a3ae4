import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../../system/index.ts';
import { runProgram } from '../support/stack.ts';

test('no line of a source is longer than 120 columns', () => {
  const long = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: projectRoot,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((file) => /\.(ts|mjs|cjs|js|py|sh|cc|ya?ml)$/.test(file))
    .filter((file) => existsSync(join(projectRoot, file)))
    .filter((file) =>
      readFileSync(join(projectRoot, file), 'utf8')
        .split('\n')
        .some((line) => line.length > 120),
    );
  assert.deepEqual(long, []);
});

test('every file is as `npm run format` leaves it', async () => {
  const { code, stdout, stderr } = await runProgram('npx', ['prettier', '--check', '.'], process.env, projectRoot);
  assert.equal(code, 0, stdout + stderr);
});
