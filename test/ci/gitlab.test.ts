/** From where the job of GitLab's template gets the program that it runs. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { expandGitlab, variablesOf, type GitlabJob } from '../support/gitlab.ts';
import { temporaryFolder } from '../support/folder.ts';
import { runProgram, type CommandResult } from '../support/stack.ts';

const folder = temporaryFolder();
const repository = join(folder, 'rapt.git');
const template = fileURLToPath(new URL('../../ci/gitlab.yml', import.meta.url));
let commit: string;
let older: string;

const git = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await runProgram('git', [
    '-C',
    repository,
    '-c',
    'user.name=test',
    '-c',
    'user.email=test@example.org',
    ...args,
  ]);
  assert.equal(code, 0, stderr);
  return stdout.trim();
};

before(async () => {
  mkdirSync(join(repository, 'ci'), { recursive: true });
  await git('init', '--quiet', '--initial-branch=main');
  for (const version of ['older', 'newer']) {
    writeFileSync(join(repository, 'ci', 'run.sh'), `echo ran the ${version} one >> "$CI_PROJECT_DIR/ran"\n`);
    await git('add', '.');
    await git('commit', '--quiet', `--message=${version}`);
    if (version === 'older') older = await git('rev-parse', 'HEAD');
  }
  commit = await git('rev-parse', 'HEAD');
  await git('tag', 'v1');
});

const jobOf = async (inputs: Readonly<Record<string, string>>): Promise<GitlabJob> =>
  (await expandGitlab(`include: ${JSON.stringify([{ local: 'ci/gitlab.yml', inputs }])}\n`, template))['rapt']!;

/** @returns also what was run, line by line. */
async function run(
  inputs: Readonly<Record<string, string>>,
  project = mkdtempSync(join(folder, 'project-')),
): Promise<CommandResult & { readonly ran: string }> {
  const job = await jobOf(inputs);
  const script = ['set -e', ...job.before_script, ...job.script].join('\n');
  const result = await runProgram(
    'bash',
    ['-c', script],
    { ...process.env, ...variablesOf(job), CI_PROJECT_DIR: project },
    project,
  );
  const ran = join(project, 'ran');
  return { ...result, ran: existsSync(ran) ? readFileSync(ran, 'utf8') : '' };
}

test('the commit that is named is fetched and run, also when it is no longer the newest', async () => {
  assert.equal((await run({ repository, commit })).ran, 'ran the newer one\n');
  assert.equal((await run({ repository, commit: older })).ran, 'ran the older one\n');
});

test('a branch, a tag, a short digest and a commit that is not there are refused, and nothing is run', async () => {
  for (const wrong of ['main', 'v1', commit.slice(0, 12), '', `${commit}\nmain`]) {
    const { code, stderr, ran } = await run({ repository, commit: wrong });
    assert.deepEqual([code, ran], [2, ''], stderr);
    assert.match(stderr, /rapt: the input "commit" must be the full digest of a commit/);
  }
  const { code, ran } = await run({ repository, commit: 'f'.repeat(40) });
  assert.notEqual(code, 0);
  assert.equal(ran, '');
});

test('what lies where Rapt is fetched to is not run, whoever put it there', async () => {
  const project = mkdtempSync(join(folder, 'project-'));
  mkdirSync(join(project, '.rapt-ci', 'ci'), { recursive: true });
  writeFileSync(join(project, '.rapt-ci', 'ci', 'run.sh'), 'echo planted >> "$CI_PROJECT_DIR/ran"\n');
  assert.equal((await run({ repository, commit }, project)).ran, 'ran the newer one\n');
});

test('no folder is used that others can know beforehand, and no input becomes part of a script', () => {
  const text = readFileSync(template, 'utf8');
  assert.doesNotMatch(text, /\/tmp|default: \//);
  const [job] = Object.values(parse(text.split('\n---\n')[1]!) as Record<string, GitlabJob>);
  // GitLab writes an input into a script before a shell reads it.
  for (const line of [...job!.before_script, ...job!.script, ...job!.after_script])
    assert.ok(!line.includes('$[['), line);
});

test('Rapt that the runner has already is run where it lies', async () => {
  assert.equal((await run({ folder: repository })).ran, 'ran the newer one\n');
});
