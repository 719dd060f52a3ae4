/** What the script of both CI systems asks of Rapt. In place of Rapt stands a program that writes down what it is
 *  asked. */
import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runProgram, type CommandResult } from '../support/stack.ts';
import { temporaryFolder } from '../support/folder.ts';

const folder = temporaryFolder();
const home = join(folder, 'rapt home');
mkdirSync(join(home, 'ci'), { recursive: true });
mkdirSync(join(home, 'bin'));
mkdirSync(join(home, 'infra', 'setup'), { recursive: true });
cpSync(fileURLToPath(new URL('../../ci/run.sh', import.meta.url)), join(home, 'ci', 'run.sh'));
writeFileSync(join(home, 'bin', 'rapt.mjs'), 'process.stdout.write(JSON.stringify(process.argv.slice(2)));');
writeFileSync(join(home, 'infra', 'setup', 'bootstrap.mjs'), '');

const SHA = '0123456789abcdef0123456789abcdef01234567';
const job = {
  GITHUB_REPOSITORY: 'acme/texts',
  GITHUB_SHA: SHA,
  GITHUB_RUN_ID: '4711',
  GITHUB_EVENT_NAME: 'pull_request',
};

async function run(
  env: NodeJS.ProcessEnv,
  cwd = mkdtempSync(join(folder, 'work-')),
): Promise<CommandResult & { readonly cwd: string }> {
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(RAPT_|TEMPORAL_|GITHUB_|CI_)/.test(name)),
  );
  return { ...(await runProgram('bash', [join(home, 'ci', 'run.sh')], { ...clean, ...env }, cwd)), cwd };
}

/** What `rapt run` was told. */
async function argsOf(env: NodeJS.ProcessEnv): Promise<string[]> {
  const { code, stderr, cwd } = await run(env);
  assert.equal(code, 0, stderr);
  return JSON.parse(readFileSync(join(cwd, 'rapt', 'result.json'), 'utf8')) as string[];
}
const after = (args: readonly string[], option: string): string | undefined =>
  args.includes(option) ? args[args.indexOf(option) + 1] : undefined;
const idOf = async (env: NodeJS.ProcessEnv): Promise<string | undefined> => after(await argsOf(env), '--id');

test('a job for a commit has the same name each time, and another for another commit or other settings', async () => {
  const id = await idOf(job);
  assert.match(id!, /^acme-texts-0123456789ab-[0-9a-f]{8}$/);
  assert.equal(await idOf({ ...job, GITHUB_RUN_ID: '4712' }), id);
  assert.notEqual(await idOf({ ...job, GITHUB_SHA: SHA.replace('0', 'f') }), id);
  assert.notEqual(await idOf({ ...job, RAPT_CI_SET: 'tuning.epochs=3' }), id);
});

test('a scheduled job on an unchanged commit has a name of its own, which it keeps when it is repeated', async () => {
  const scheduled = { ...job, GITHUB_EVENT_NAME: 'schedule' };
  const [first, repeated, nextWeek] = [
    await idOf(scheduled),
    await idOf({ ...scheduled, GITHUB_RUN_ATTEMPT: '2' }),
    await idOf({ ...scheduled, GITHUB_RUN_ID: '4712' }),
  ];
  assert.equal(first, `${await idOf(job)}-4711`);
  assert.equal(repeated, first);
  assert.notEqual(nextWeek, first);
  const gitlab = { CI_PROJECT_PATH: 'acme/group/texts', CI_COMMIT_SHA: SHA, CI_PIPELINE_ID: '99' };
  assert.match(
    (await idOf({ ...gitlab, CI_PIPELINE_SOURCE: 'schedule' }))!,
    /^acme-group-texts-0123456789ab-[0-9a-f]{8}-99$/,
  );
  assert.match(
    (await idOf({ ...gitlab, CI_PIPELINE_SOURCE: 'merge_request_event' }))!,
    /^acme-group-texts-0123456789ab-[0-9a-f]{8}$/,
  );
});

test('whether a job tunes anew can be said, and a name that somebody chose is left as it is', async () => {
  const scheduled = { ...job, GITHUB_EVENT_NAME: 'schedule' };
  assert.equal(await idOf({ ...scheduled, RAPT_CI_FRESH: 'false' }), await idOf(job));
  assert.equal(await idOf({ ...job, RAPT_CI_FRESH: 'true' }), await idOf(scheduled));
  assert.equal(await idOf({ ...scheduled, RAPT_CI_RUN_ID: 'weekly' }), 'weekly');
  assert.equal(await idOf({ ...scheduled, RAPT_CI_RUN_ID: 'weekly', RAPT_CI_FRESH: 'true' }), 'weekly-4711');
  const wrong = await run({ ...job, RAPT_CI_FRESH: 'perhaps' });
  assert.deepEqual([wrong.code, wrong.stderr.trim()], [2, 'RAPT_CI_FRESH: must be true, false or auto, not "perhaps"']);
});

test('servers are started for the tenant that the configuration names, unless there are some elsewhere', async () => {
  assert.ok((await argsOf(job)).includes('--up'));
  assert.ok(!(await argsOf({ ...job, RAPT_TEMPORAL_ADDRESS: 'temporal.example.org:7233' })).includes('--up'));
  assert.deepEqual(
    (await argsOf({ ...job, RAPT_CI_TENANT: '7' })).filter((arg) => arg.startsWith('tenant')),
    ['tenant="7"'],
  );
});

test('whatever an input or the name of a branch holds is an argument and no command', async () => {
  const evil = '$(touch planted) `touch planted`; touch planted #\' "';
  const args = await argsOf({
    ...job,
    GITHUB_REPOSITORY: `acme/${evil}`,
    GITHUB_REF_NAME: evil,
    GITHUB_HEAD_REF: evil,
    RAPT_CI_CONFIG: evil,
    RAPT_CI_SET: evil,
    RAPT_CI_GATES: evil,
    RAPT_CI_BASELINE: evil,
    RAPT_CI_TIMEOUT: evil,
    RAPT_CI_TENANT: evil,
  });
  assert.deepEqual(
    ['--file', '--gate', '--baseline', '--timeout'].map((option) => after(args, option)),
    [evil, evil, evil, evil],
  );
  assert.ok(after(args, '--id')!.startsWith(`acme-${evil}`));
  const { cwd } = await run({ ...job, RAPT_CI_RUN_ID: evil });
  assert.ok(!existsSync(join(cwd, 'planted')));
});

test('a link in the checkout leads the files nowhere else', async () => {
  const elsewhere = mkdtempSync(join(folder, 'elsewhere-'));
  writeFileSync(join(elsewhere, 'outputs.env'), 'precious');
  const ofFolder = mkdtempSync(join(folder, 'work-'));
  symlinkSync(elsewhere, join(ofFolder, 'rapt'));
  const ofFile = mkdtempSync(join(folder, 'work-'));
  mkdirSync(join(ofFile, 'rapt'));
  for (const name of ['outputs.env', 'result.json'])
    symlinkSync(join(elsewhere, 'outputs.env'), join(ofFile, 'rapt', name));
  for (const cwd of [ofFolder, ofFile]) {
    assert.equal((await run(job, cwd)).code, 0);
    assert.ok(!lstatSync(join(cwd, 'rapt')).isSymbolicLink());
    assert.ok(!lstatSync(join(cwd, 'rapt', 'result.json')).isSymbolicLink());
  }
  assert.equal(readFileSync(join(elsewhere, 'outputs.env'), 'utf8'), 'precious');
});
