import assert from 'node:assert/strict';
import { test } from 'node:test';
import { projectRoot } from '../../system/index.ts';
import { runProgram } from '../support/stack.ts';

test('the types fit together: `npm run typecheck`', async () => {
  const { code, stdout, stderr } = await runProgram('npm', ['run', '--silent', 'typecheck'], process.env, projectRoot);
  assert.equal(code, 0, stdout + stderr);
});
