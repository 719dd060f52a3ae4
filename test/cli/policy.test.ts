/** `rapt policy` as its users call it: what it changes in a file that people wrote, and what it refuses. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, mock, test } from 'node:test';
import { EXIT, exitCodeOf } from '../../cli/terminal/exit-codes.ts';
import { createProgram } from '../../cli/program.ts';
import { BadInput, DEFAULT_ETA } from '../../contracts/index.ts';
import { parsePolicy, policyFile, type Policy } from '../../rapt/policy/index.ts';
import { temporaryFolder } from '../support/folder.ts';

const folder = temporaryFolder();
const home = join(folder, 'home', 'client');
const policy = policyFile(home);
process.env['RAPT_HOME'] = join(folder, 'home');
process.env['RAPT_CACHE'] = join(folder, 'cache');

const table = join(folder, 'plain.csv');
const notes = join(folder, 'notes');
const split = join(folder, 'split');
for (const path of [notes, split]) mkdirSync(path);
for (const path of [table, join(split, 'train.csv'), join(split, 'test.csv')])
  writeFileSync(path, 'review,title,stars\na,b,1\nc,d,0\n');
for (const name of ['one.csv', 'two.csv']) writeFileSync(join(notes, name), `${name.slice(0, 3)}\na\n`);
const config = join(folder, 'tuning.yaml');

const RULE = `# mine
version: 1
tables:
  # the reviews
  - table: ${table}
    name: reviews # as the CI says
    text: [review] # the body alone
    label: [stars]
    eta:
      # agreed in May
      exponential: 7 # not more
    labels: 3 # the board
`;

beforeEach(() => {
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
});

const run = async (...args: string[]): Promise<unknown> =>
  (await createProgram('policy')).parseAsync(['policy', ...args], { from: 'user' });

/** What the command says and prints. */
async function rapt(...args: string[]): Promise<string> {
  let said = '';
  const mocks = [process.stdout, process.stderr].map((stream) => {
    const real = stream.write.bind(stream);
    // The test runner's own reports are bytes.
    const write = (part: string | Uint8Array): boolean => {
      if (typeof part !== 'string') return real(part);
      said += part;
      return true;
    };
    return mock.method(stream, 'write', write);
  });
  try {
    await run(...args);
  } finally {
    for (const one of mocks) one.mock.restore();
  }
  return said;
}

async function refusal(...args: string[]): Promise<string> {
  const error = await rapt(...args).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof BadInput, String(error));
  assert.equal(exitCodeOf(error), EXIT.badInput);
  return error.message;
}

const write = (text: string): void => writeFileSync(policy, text);
const read = (): Policy => parsePolicy(readFileSync(policy, 'utf8'), policy);
const tuning = (text: string): void => writeFileSync(config, text);

test('of a rule that somebody wrote only what widens is changed, and told', async () => {
  write(RULE);
  const said = await rapt('allow', table, '--eta', '8');
  assert.match(said, /\n {2}eta of exponential: 7 -> 8\n/);
  assert.doesNotMatch(said, / {2}(text|label|labels|none|name): /);
  const text = readFileSync(policy, 'utf8').replace('[ review ]', '[review]').replace('[ stars ]', '[stars]');
  assert.equal(text, RULE.replace('exponential: 7', 'exponential: 8'));
});

test('each field that widens is told by a line, and its comment stays', async () => {
  write(RULE);
  const said = await rapt(
    'allow',
    table,
    '--text-column',
    'title',
    '--mechanism',
    'laplace',
    '--label-epsilon',
    'plain',
    '--none',
    '--public',
    '--name',
    'r',
  );
  for (const line of [
    'text: + title',
    `eta of laplace: not allowed -> ${DEFAULT_ETA.laplace}`,
    'labels: epsilon up to 3 -> as they are',
    'none: no -> yes',
    'public: no -> yes',
    'name: reviews -> r',
  ])
    assert.ok(said.includes(`  ${line}\n`), `${line}\n${said}`);
  const text = readFileSync(policy, 'utf8');
  for (const comment of RULE.match(/#.*/g)!) assert.ok(text.includes(comment), comment);
});

test('what is allowed already is told to be so, as is that nothing is taken back', async () => {
  write(RULE);
  assert.match(await rapt('allow', table), /plain\.csv: nothing changes/);
  const stays = /note: eta of exponential of .* stays 7, as `allow` takes nothing back/;
  assert.match(await rapt('allow', table, '--eta', '5'), stays);
  assert.equal(readFileSync(policy, 'utf8'), RULE);
});

test('what two tables share by an anchor is not widened for both of them', async () => {
  const other = join(folder, 'other.csv');
  const shared = `version: 1\ntables:\n  - { table: ${table}, eta: &e { exponential: 7 }, labels: plain }\n`;
  write(`${shared}  - { table: ${other}, eta: *e, labels: plain }\n`);
  const problem = /shares what is to change with table .*other\.csv, by an anchor/;
  assert.match(await refusal('allow', table, '--eta', '8'), problem);
});

test('an option that would have no effect is refused by its name', async () => {
  tuning(`data: { train: ${table}, textColumn: review, labelColumn: stars }\nprivacy: { mechanism: none }\n`);
  const without = /^--text-column: has no effect with -f, as the configuration names the columns/;
  assert.match(await refusal('allow', '-f', config, '--text-column', 'title'), without);
  assert.match(await refusal('allow', table, '--set', 'a=b'), /^--set: has no effect without -f/);
  const alone = await refusal('allow', '--answers', folder, '--eta', '3', '--name', 'zz');
  assert.match(alone, /^--name: has no effect without a table; .*\n--eta: has no effect without a table/);
  assert.match(await refusal('allow', '-f', config, '--eta', '3'), /^--eta: has no effect, as the mechanism/);
  assert.match(await refusal('allow', ''), /is given an empty name/);
  assert.match(await refusal('check', config, '-f', 'b.yaml'), /name one configuration/);
  assert.equal(existsSync(policy), false);
});

test('a value that the policy cannot hold is refused by its option', async () => {
  write(RULE);
  const other = join(split, 'train.csv');
  const asked = await refusal('allow', table, '--eta', '1e9', '--label-epsilon', '50', '--name', 'Größe');
  assert.deepEqual(
    asked.split('\n').map((line) => line.split(' must ')[0]),
    ['--name:', '--eta:', '--label-epsilon:'],
  );
  const columns = ['--text-column', 'review', '--label-column', 'stars'];
  const twice = await refusal('allow', other, ...columns, '--name', 'reviews');
  assert.equal(twice, `--name: reviews is the name of ${table} already; give another`);
});

test('a table of the policy is named by its name; a name that no table has is refused', async () => {
  write(RULE);
  const data = 'data: { train: table://reviews, textColumn: review, labelColumn: stars }';
  tuning(`${data}\nprivacy: { eta: 9, labelEpsilon: 3 }\n`);
  assert.match(await rapt('allow', 'table://reviews', '--eta', '8'), /eta of exponential: 7 -> 8/);
  assert.match(await rapt('allow', '-f', config), /eta of exponential: 8 -> 9/);
  assert.deepEqual(
    read().tables.map((rule) => rule.table),
    [table],
  );
  const sentence = "is a name that no table of the owner's policy has; `rapt policy show` lists them";
  assert.equal(await refusal('allow', 'table://x'), `table://x: ${sentence}`);
  const set = ['--set', 'data.train=table://x', '--set', 'data.test=table://y'];
  for (const command of ['check', 'allow'])
    assert.equal(await refusal(command, '-f', config, ...set), `data.train: ${sentence}\ndata.test: ${sentence}`);
});

test('a limit that the file does not name is the default, and none lifts it', async () => {
  write('version: 1\nbudgets: { perText: 7, labels: none, perTenant: }\n');
  assert.deepEqual(read().budgets, { perText: 7 });
  assert.match(await rapt('show'), /a text eta 7, the tenant not limited, labels not limited/);
  write('version: 1\nbudgets: { perText: 7 }\n');
  assert.deepEqual(read().budgets, { perText: 7, perTenant: 140, labels: 6 });
  assert.match(await rapt('show', '--json'), /"budgets":{"perText":7,"perTenant":140,"labels":6}/);
});

test('columns are looked for in the head of a file and of a data set, not in a folder of any tables', async () => {
  const columns = ['--text-column', 'reviev', '--label-column', 'stars'];
  const missing = /has no column "reviev" \(--text-column\); its columns are .*; did you mean "review"\?/;
  for (const place of [table, split, `${split}#test`]) assert.match(await refusal('allow', place, ...columns), missing);
  assert.match(await refusal('allow', table), /"text" \(--text-column\)[^]*"label" \(--label-column\)/);
  assert.equal(existsSync(policy), false);
  for (const place of [notes, `${notes}/`]) await rapt('allow', place, ...columns);
  assert.deepEqual(
    read().tables.map((rule) => rule.table),
    [`${notes}/`],
  );
  assert.match(await refusal('allow', `${folder}/nowhere/`), /does not exist/);
  assert.match(await refusal('allow', `${table}/`), /is a file; leave out the slash/);
});

test('a split stands for its folder', async () => {
  const said = await rapt('allow', `${split}#test`, '--text-column', 'review', '--label-column', 'stars');
  assert.match(said, /note: a rule is for a whole folder: all splits in .*split\/ are allowed/);
  assert.deepEqual(
    read().tables.map((rule) => rule.table),
    [`${split}/`],
  );
});

test('built-in data are allowed by their name, and stay public', async () => {
  await rapt('allow', 'movie-reviews', '--none');
  const [rule] = read().tables;
  assert.deepEqual([rule!.table, rule!.none, rule!.public], ['movie-reviews', true, true]);
});

test('a folder in the place of the policy is told in a sentence, and nothing is left beside it', async () => {
  mkdirSync(policy);
  for (const args of [['init', '--force'], ['init'], ['allow', table], ['show']])
    assert.match(await refusal(...args), /^\S+policy\.yaml: is a folder, and [^\n]*$/);
  assert.deepEqual(readdirSync(home), ['policy.yaml']);
});

test('a new policy is for its owner alone, whatever was left there; one that is there keeps its mode', async () => {
  writeFileSync(`${policy}.part`, '', { mode: 0o666 });
  await rapt('init');
  assert.equal(statSync(policy).mode & 0o777, 0o600);
  chmodSync(policy, 0o640);
  await rapt('allow', '--answers', folder);
  assert.equal(statSync(policy).mode & 0o777, 0o640);
});

test('a link stays: one to nothing is not replaced, and the file that one leads to is written', async () => {
  const target = join(folder, 'elsewhere.yaml');
  symlinkSync(target, policy);
  assert.match(await refusal('init'), /exists; edit it, or give --force to replace it/);
  assert.match(await refusal('allow', '--answers', folder), /is a link to .*elsewhere\.yaml, which is not there/);
  assert.equal(existsSync(target), false);
  writeFileSync(target, 'version: 1\n');
  await rapt('allow', '--answers', folder);
  assert.deepEqual([lstatSync(policy).isSymbolicLink(), read().answers], [true, [folder]]);
  rmSync(target);
});

test('of several that make the policy at once, one does', async () => {
  const made = await Promise.allSettled(Array.from({ length: 4 }, () => run('init')));
  assert.equal(made.filter(({ status }) => status === 'fulfilled').length, 1);
});
