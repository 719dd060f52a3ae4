/** What bash's own completion makes of a line, on a terminal. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { completionScript, SHELLS } from '../../cli/completion/index.ts';
import { createProgram } from '../../cli/program.ts';
import { temporaryFolder } from '../support/folder.ts';
import { onTerminal } from '../support/terminal.ts';

const folder = temporaryFolder();
const script = join(folder, 'rapt.bash');
writeFileSync(script, completionScript('bash', await createProgram()));
writeFileSync(join(folder, 'tuning.yaml'), '');
mkdirSync(join(folder, 'adapters'));
// In place of the command: it answers what the script asks for ids.
const bin = join(folder, 'bin');
mkdirSync(bin);
writeFileSync(
  join(bin, 'rapt'),
  '#!/bin/sh\ncase "$*" in "schedule list --quiet") echo weekly ;; *running*) echo now-2 ;; *) echo now-2; echo ' +
    'weekly-2026-11-23T03:00:00Z ;; esac\n',
);
chmodSync(join(bin, 'rapt'), 0o755);

/** @param keys a tab completes; escape and a star put all that would do into the line. */
async function completed(keys: string): Promise<string> {
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
  const shown = await onTerminal(
    ['bash', '--norc', '--noprofile', '-i'],
    // Ctrl-A, Ctrl-E: the line's beginning and end. It is then shown as bash has it.
    [
      ['[#$] ', `cd '${folder}' && source '${script}' && PS1='rea''dy> '\n`],
      ['ready> ', `${keys}\x01echo 'it 'is: \x05 :end\n`],
      ['it is: .*:end', ''],
    ],
    env,
  );
  return (/it is: (.*) :end/.exec(shown)?.[1] ?? shown).trim();
}

test('bash completes commands, and the commands of commands', async () => {
  assert.equal(await completed('rapt led\tbud\t--per-te\tx'), 'rapt ledger budget --per-tex');
  assert.equal(await completed('rapt ledger \x1b*'), 'rapt ledger adopt budget drop export');
  assert.equal(await completed('rapt schedule tr\t'), 'rapt schedule trigger');
});

test('it completes options, their values, and files', async () => {
  assert.equal(await completed('rapt list --li\t'), 'rapt list --limit');
  assert.equal(await completed('rapt list --stage tr\t'), 'rapt list --stage train');
  assert.equal(await completed('rapt run -f tun\t'), 'rapt run -f tuning.yaml');
  assert.equal(await completed('rapt export --run x --out ad\t'), 'rapt export --run x --out adapters/');
  assert.equal(await completed('rapt completion \x1b*'), 'rapt completion bash fish zsh');
});

test('it completes ids of runs and schedules, with colons in them, by asking for them', async () => {
  assert.equal(await completed('rapt show weekly-2026-11-23T03:\t'), 'rapt show weekly-2026-11-23T03:00:00Z');
  assert.equal(await completed('rapt cancel \t'), 'rapt cancel now-2');
  assert.equal(await completed('rapt schedule delete \t'), 'rapt schedule delete weekly');
  assert.equal(await completed('rapt predict --run now\t'), 'rapt predict --run now-2');
});

test('a value is not taken for a command', async () => {
  assert.equal(await completed('rapt ledger --tenant export --per\t'), 'rapt ledger --tenant export --per');
});

test('the scripts for all shells hold every command and every option', async () => {
  const program = await createProgram();
  for (const shell of SHELLS) {
    const text = completionScript(shell, program);
    for (const command of program.commands) {
      assert.ok(text.includes(command.name()), `${command.name()} in ${shell}`);
      for (const { long } of command.options)
        if (long)
          assert.ok(
            text.includes(shell === 'fish' ? `-l ${long.slice(2)}` : long),
            `${command.name()} ${long} in ${shell}`,
          );
    }
  }
});
