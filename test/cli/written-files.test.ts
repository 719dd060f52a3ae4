/** Every option that names what a command writes is looked at before anything is loaded, asked or kept. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { before, test } from 'node:test';
import type { Command } from 'commander';
import { EXIT, exitCodeOf } from '../../cli/terminal/exit-codes.ts';
import { createProgram } from '../../cli/program.ts';
import { BadInput } from '../../contracts/index.ts';
import { temporaryFolder } from '../support/folder.ts';

const folder = temporaryFolder();
const home = join(folder, 'home');
const table = join(folder, 'r.csv');
const file = join(folder, 'file');
/** A file whose folder is not there; and one whose folder is a file. */
const nowhere = (name: string): string => join(folder, 'no', 'such', name);
const under = (name: string): string => join(file, name);
/** Nothing is loaded: there is no such model, and it is not what is complained about. */
const BACKBONE = ['--backbone', 'no-such-model'];

before(() => {
  process.env['RAPT_HOME'] = home;
  writeFileSync(table, 'text,label\nGood film,1\nBad film,0\n');
  writeFileSync(file, '');
  mkdirSync(join(folder, 'taken.csv'));
});

const CASES: readonly (readonly [option: string, code: string, ...args: string[]])[] = [
  ['--out', 'ENOENT', 'privatize', '--in', table, '--out', nowhere('o.csv'), ...BACKBONE],
  ['--out', 'ENOTDIR', 'privatize', '--in', table, '--out', under('o.csv'), ...BACKBONE],
  ['--svg', 'ENOENT', 'calibrate', '--curve', '--svg', nowhere('curve.svg'), ...BACKBONE],
  ['--svg', 'EISDIR', 'calibrate', '--curve', '--svg', folder, ...BACKBONE],
  ['--out', 'ENOENT', 'report', '--run', 'none', '--format', 'md', '--out', nowhere('r.md')],
  ['--out', 'ENOTDIR', 'export', '--run', 'none', '--out', file],
  ['--out', 'ENOENT', 'export', '--run', 'none', '--out', '/proc/adapter'],
  ['--out', 'EISDIR', 'predict', '--run', 'none', '--in', table, '--out', join(folder, 'taken.csv')],
  ['--out', 'ENOENT', 'predict', '--run', 'none', '--in', table, '--out', '/proc/answers.csv'],
  ['--out', 'ENOENT', 'init', table, '--out', nowhere('tuning.yaml'), ...BACKBONE],
  ['<file>', 'ENOENT', 'ledger', 'export', nowhere('ledger.csv')],
  ['--junit', 'ENOTDIR', 'run', '--wait', '--junit', under('junit.xml')],
  ['--summary', 'EISDIR', 'run', '--wait', '--summary', folder],
  ['--outputs', 'EISDIR', 'watch', 'none', '--outputs', folder],
  ['--report', 'EISDIR', 'run', '--wait', '--report', folder],
  ['--file', 'ENOTDIR', 'keys', '--file', under('keys'), 'add'],
  ['--grants', 'ENOTDIR', 'credentials', '--grants', under('grants'), 'grant', 'gpu'],
  ['--out', 'ENOTDIR', 'credentials', '--grants', join(folder, 'grants'), 'grant', 'gpu', '--out', under('token')],
];

for (const [option, code, ...args] of CASES) {
  const command = `rapt ${args.slice(0, 2).join(' ')} ... ${option}`;
  test(`${command}: ${code} ends with exit code 2 and the option's name`, async () => {
    const error = await (await createProgram()).parseAsync(args, { from: 'user' }).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof BadInput, String(error));
    assert.equal(exitCodeOf(error), EXIT.badInput);
    assert.match(
      error.message,
      new RegExp(
        `^${option}: \\S+ cannot be written \\(${code}\\): [a-z].*; name a file in a folder that this user may ` +
          'write to$',
      ),
    );
    assert.deepEqual(
      [existsSync(home), readdirSync(folder).sort()],
      [false, ['file', 'r.csv', 'taken.csv']],
      'nothing is left',
    );
  });
}

for (const variable of ['RAPT_HOME', 'RAPT_CACHE'] as const)
  for (const [folder, code] of [
    [file, 'ENOTDIR'],
    [under('below'), 'ENOTDIR'],
    ['/proc/x', 'ENOENT'],
    ['/proc/x/below', 'ENOENT'],
  ] as const)
    test(`${variable}=.../${basename(folder)}: ${code} ends all with exit code 2 and its name`, async (t) => {
      // One that is set to nothing counts as not set.
      const earlier = process.env[variable] ?? '';
      process.env[variable] = folder;
      t.after(() => (process.env[variable] = earlier));
      for (const args of [
        ['privatize', '--in', table, '--out', join(home, 'o.csv')],
        ['worker', 'client'],
        ['run'],
        ['ledger', 'export', join(home, 'o.csv')],
        ['init', table],
      ]) {
        const error = await (await createProgram()).parseAsync(args, { from: 'user' }).then(
          () => null,
          (thrown: unknown) => thrown,
        );
        assert.ok(error instanceof BadInput, String(error));
        assert.match(
          error.message,
          new RegExp(
            `^${variable}: ${folder} cannot be written \\(${code}\\): [a-z].*; set ${variable} to a folder that ` +
              'this user may write to$',
          ),
        );
      }
    });

/** Options that name what is read, or only entered somewhere. */
const READ = [
  'run --file',
  'create --file',
  'allow --answers',
  'privatize --in',
  'predict --in',
  'ledger --in',
  'audit --in',
  'audit --released',
  'explain --in',
  'calibrate --public-text',
  'codec-server --cert',
  'codec-server --key',
  'credential-server --cert',
  'credential-server --key',
  'credential-server --grants',
];

test('every option that names a file is among these, or names one that is read', async () => {
  const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];
  const named = all(await createProgram()).flatMap((command) =>
    command.options
      .filter(({ flags }) => /<(file|folder|path)>/.test(flags))
      .map(({ long }) => ({ command: command.name(), option: long ?? '' })),
  );
  assert.ok(named.length > 30);
  const written = named.filter(({ command, option }) => !READ.includes(`${command} ${option}`));
  assert.deepEqual(
    written.filter(({ option }) => !CASES.some(([of]) => of === option)),
    [],
  );
});
