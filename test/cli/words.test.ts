/** What the command says to a slip of the fingers, and when it says it in colour. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder } from '../support/folder.ts';
import { PROGRAM, runProgram, type CommandResult } from '../support/stack.ts';
import { onTerminal } from '../support/terminal.ts';

const ESCAPE = String.fromCharCode(27);
const env: NodeJS.ProcessEnv = { ...process.env, RAPT_HOME: temporaryFolder(), NO_COLOR: undefined };
const rapt = (...args: string[]): Promise<CommandResult> => runProgram(process.execPath, [PROGRAM, ...args], env);

test('a mistyped command or option ends with code 2 and the one that was probably meant', async () => {
  const command = await rapt('lst');
  assert.deepEqual([command.code, command.stdout], [2, '']);
  assert.match(command.stderr, /unknown command 'lst'\n\(Did you mean list\?\)/);
  const inner = await rapt('ledger', 'budget', '--per-txt', '3');
  assert.equal(inner.code, 2);
  assert.match(inner.stderr, /unknown option '--per-txt'\n\(Did you mean --per-text\?\)/);
});

test('a terminal gets colours, a pipe and one who wants none do not', async () => {
  const doctor = [process.execPath, PROGRAM, 'doctor'];
  const last = 'workers?.*\\n';
  assert.ok((await onTerminal(doctor, [[last, '']], env)).includes(`${ESCAPE}[3`));
  assert.ok(!(await onTerminal(doctor, [[last, '']], { ...env, NO_COLOR: '1' })).includes(`${ESCAPE}[3`));
  const piped = await runProgram(process.execPath, [PROGRAM, 'doctor'], { ...env, FORCE_COLOR: '1' });
  assert.ok(piped.stdout.length > 100 && !(piped.stdout + piped.stderr).includes(ESCAPE));
});
