import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from 'commander';
import { createProgram, COMMANDS } from '../../cli/program.ts';

/** They print no result: they serve until they are ended, or print what another program reads. */
const WITHOUT_RESULT = ['worker', 'codec-server', 'credential-server', 'schema', 'completion'];

interface Visited {
  readonly path: string;
  readonly command: Command;
  /** Its own, and those of the commands above it. */
  readonly options: readonly string[];
}

function visit(command: Command, path: readonly string[] = [], inherited: readonly string[] = []): Visited[] {
  const options = [...inherited, ...command.options.map(({ long }) => long ?? '')];
  return command.commands.flatMap((child) => {
    const here = [...path, child.name()];
    return [
      { path: here.join(' '), command: child, options: [...options, ...child.options.map(({ long }) => long ?? '')] },
      ...visit(child, here, options),
    ];
  });
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part), getOutHasColors: () => false });
  command.outputHelp();
  return text;
}

const visited = visit(await createProgram());
const leaves = visited.filter(({ command }) => command.commands.length === 0);

test('there are commands, all with a description, as have all their options', () => {
  assert.ok(leaves.length > 30, `${leaves.length} commands`);
  for (const { path, command } of visited) {
    assert.notEqual(command.description(), '', path);
    for (const option of command.options) assert.notEqual(option.description, '', `${path} ${option.flags}`);
  }
});

test('the help of every command shows an example of that command', () => {
  const without = visited
    .filter(({ path, command }) => !new RegExp(`Examples?: [^]*\\brapt ${path}\\b`).test(helpOf(command)))
    .map(({ path }) => path);
  assert.deepEqual(without, []);
});

test('examples use options that there are', () => {
  for (const { path, command, options } of visited) {
    const [, examples = ''] = /Examples?: ([^]*)$/.exec(helpOf(command)) ?? [];
    for (const [, own = ''] of examples.matchAll(new RegExp(`\\brapt ${path}\\b([^|&,\`\\n]*)`, 'g')))
      for (const [option] of own.matchAll(/(?<=\s)--[a-z-]+/g))
        assert.ok(options.includes(option) || command.commands.length > 0, `${path} has no ${option}`);
  }
});

test('every command that prints a result prints it as JSON on demand', () => {
  const without = leaves
    .filter(({ path, options }) => !WITHOUT_RESULT.includes(path) && !options.includes('--json'))
    .map(({ path }) => path);
  assert.deepEqual(without, []);
});

test('a command is found by its name alone, without the others', async () => {
  const namesOf = (command: Command): string[] => command.commands.map((child) => child.name());
  assert.deepEqual(namesOf(await createProgram()), COMMANDS);
  for (const name of COMMANDS.filter((one) => one !== 'completion'))
    assert.deepEqual(namesOf(await createProgram(name)), [name]);
});
