/** What GitLab makes of a configuration: gitlab-ci-local checks it by GitLab's own schema, takes the includes in and
 *  puts in what they are told. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { parse } from 'yaml';
import { runProgram } from './stack.ts';

export interface GitlabJob {
  readonly stage: string;
  readonly variables: Readonly<Record<string, string | { readonly value: string }>>;
  readonly before_script: readonly string[];
  readonly script: readonly string[];
  readonly after_script: readonly string[];
  readonly artifacts: {
    readonly paths: readonly string[];
    readonly reports: { readonly junit: string; readonly dotenv: string };
  };
}

const PROGRAM = createRequire(import.meta.url).resolve('gitlab-ci-local');
/** It wants a newer Node than Rapt. */
const SET_UNION = `data:text/javascript,${encodeURIComponent(
  'Set.prototype.union ??= function (other) { ' + 'return new Set([...this, ...other]); }',
)}`;

/** @param template the file that the configuration includes as `ci/gitlab.yml`. @throws AssertionError with what is
 *  wrong */
export async function expandGitlab(configuration: string, template: string): Promise<Record<string, GitlabJob>> {
  const folder = mkdtempSync(join(tmpdir(), 'rapt-gitlab-'));
  try {
    const git = async (...args: string[]): Promise<void> => {
      const { code, stderr } = await runProgram('git', [
        '-C',
        folder,
        '-c',
        'user.name=test',
        '-c',
        'user.email=test@example.org',
        ...args,
      ]);
      assert.equal(code, 0, stderr);
    };
    const included = join(folder, 'ci', 'gitlab.yml');
    mkdirSync(dirname(included));
    if (existsSync(template)) cpSync(template, included);
    writeFileSync(join(folder, '.gitlab-ci.yml'), configuration);
    await git('init', '--quiet', '--initial-branch=main');
    await git('remote', 'add', 'origin', 'git@gitlab.example.org:acme/texts.git');
    await git('add', '.');
    await git('commit', '--quiet', '--message=test');
    const { code, stdout, stderr } = await runProgram(process.execPath, [
      '--import',
      SET_UNION,
      PROGRAM,
      '--cwd',
      relative(process.cwd(), folder),
      '--preview',
    ]);
    assert.equal(code, 0, stdout + stderr);
    return parse(stdout) as Record<string, GitlabJob>;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The variables of a job as its script sees them: "$$" stands for a sign that begins no other variable. */
export const variablesOf = ({ variables }: GitlabJob): Record<string, string> =>
  Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [
      name,
      (typeof value === 'string' ? value : value.value).replaceAll('$$', '$'),
    ]),
  );
