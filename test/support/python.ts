/** The Python packages that users open Rapt's files with, in a folder of the cache, made on first use: some 2 minutes
 *  and 2 GB. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../../rapt/cache.ts';
import { runCommand } from '../../infra/setup/run-command.mjs';
import { inStaging } from '../../infra/setup/staging.mjs';
import { withFileLock } from '../../system/index.ts';
import { runProgram } from './stack.ts';

const FOLDER = fileURLToPath(new URL('python/', import.meta.url));
const REQUIREMENTS = join(FOLDER, 'requirements.txt');
const STAND_INS = join(FOLDER, 'stand_ins.py');
/** For which the hashes are. */
const PINNED_PYTHON = '3.11';

/** Installs the packages unless they are there. @returns where they lie. */
async function pythonPackages(): Promise<string> {
  const version = await versionOf('python3');
  const digest = createHash('sha256')
    .update(version)
    .update(readFileSync(REQUIREMENTS))
    .update(readFileSync(STAND_INS))
    .digest('hex')
    .slice(0, 16);
  const place = join(cacheFolder(), 'python', digest);
  if (existsSync(place)) return place;
  const say = (line: string): void => void process.stderr.write(`set-up: ${line}\n`);
  await withFileLock(join(cacheFolder(), 'set-up.lock'), async () => {
    if (existsSync(place)) return;
    say('Python packages for tests (1 GB) ...');
    await inStaging('python', async (folder) => {
      const target = join(folder, 'packages');
      const temporary = join(folder, 'temporary');
      mkdirSync(temporary);
      // Another Python gets other files of the same versions.
      const requirements = join(folder, 'requirements.txt');
      const pinned = readFileSync(REQUIREMENTS, 'utf8');
      writeFileSync(requirements, version === PINNED_PYTHON ? pinned : pinned.replaceAll(/ --hash=\S+/g, ''));
      const args = [
        '-m',
        'pip',
        'install',
        '--quiet',
        '--disable-pip-version-check',
        '--no-cache-dir',
        '--no-deps',
        '--no-compile',
        '--only-binary=:all:',
        '--target',
        target,
        '-r',
        requirements,
      ];
      await runCommand('python3', args, { env: { TMPDIR: temporary } });
      await runCommand('python3', [STAND_INS, join(target, 'torch', 'lib')]);
      mkdirSync(dirname(place), { recursive: true });
      renameSync(target, place);
    });
  });
  return place;
}

async function versionOf(python: string): Promise<string> {
  const { code, stdout, stderr } = await runProgram(python, [
    '-c',
    'import sys; print("%d.%d" % sys.version_info[:2])',
  ]);
  if (code !== 0) throw new Error(`${python} does not run: ${stderr}`);
  return stdout.trim();
}

/** Runs one of the scripts beside the packages' pins. @param request its one argument, as JSON. @returns the JSON that
 *  its last line is.
 *  @throws Error with what it said when it fails. */
export async function runPython<T>(script: string, request: object, env: NodeJS.ProcessEnv = {}): Promise<T> {
  const packages = await pythonPackages();
  const offline = {
    HF_HUB_OFFLINE: '1',
    TOKENIZERS_PARALLELISM: 'false',
    HF_HUB_DISABLE_PROGRESS_BARS: '1',
    TRANSFORMERS_VERBOSITY: 'error',
  };
  const { code, stdout, stderr } = await runProgram('python3', [join(FOLDER, script), JSON.stringify(request)], {
    ...process.env,
    PYTHONPATH: packages,
    PYTHONNOUSERSITE: '1',
    ...offline,
    ...env,
  });
  if (code !== 0) throw new Error(`${script} failed:\n${stderr}`);
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as T;
}
