import assert from 'node:assert/strict';
import { test } from 'node:test';
import { projectRoot } from '../../system/index.ts';
import { runProgram } from '../support/stack.ts';

test('the lint finds nothing: `npm run lint`', async () => {
  const { code, stdout, stderr } = await runProgram('npm', ['run', '--silent', 'lint'], process.env, projectRoot);
  assert.equal(code, 0, stdout + stderr);
});
