import assert from 'node:assert/strict';
import { test } from 'node:test';
import { projectRoot } from '../../system/index.ts';
import { runProgram } from '../support/stack.ts';

test('every file is as `npm run format` leaves it', async () => {
  const { code, stdout, stderr } = await runProgram('npx', ['prettier', '--check', '.'], process.env, projectRoot);
  assert.equal(code, 0, stdout + stderr);
});
