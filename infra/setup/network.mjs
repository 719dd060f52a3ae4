// @ts-check
/** Whether missing parts can be fetched. The tools that will fetch them are asked, so that their own proxies, mirrors
 *  and certificates are used. Each asks for one small thing that set-up needs anyway. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../system/paths.mjs';
import { lastWords, runCommand } from './run-command.mjs';

/** @import { Check } from './checks.mjs' */

/** The tools that fetch parts.
 *  @typedef {'npm' | 'pip' | 'go'} Fetcher */

const TIMEOUT_S = 10;

/** @typedef {object} Question
 *  @property {string} command
 *  @property {(folder: string) => string[]} args given an empty folder
 *  @property {(folder: string) => NodeJS.ProcessEnv} env
 *  @property {string} asked
 *  @property {string} fix */

/** @type {Readonly<Record<Fetcher, Question>>} */
const QUESTIONS = {
  npm: {
    command: 'npm',
    // In an empty cache: an answer from npm's own cache would say nothing about the network.
    args: (folder) => [
      'view',
      'cli-progress@3.12.0',
      'version',
      `--cache=${folder}`,
      '--fetch-retries=1',
      `--fetch-timeout=${TIMEOUT_S * 1000}`,
    ],
    env: () => ({}),
    asked: "npm's registry",
    fix:
      'connect this machine, or name a proxy by `npm config set https-proxy URL` ' +
      'or a mirror by `npm config set registry URL`',
  },
  pip: {
    command: 'python3',
    args: (folder) => [
      ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check'],
      ...['--no-deps', '--no-cache-dir', '--only-binary=:all:'],
      ...['--retries', '1', '--timeout', String(TIMEOUT_S), '--dest', folder, 'vaderSentiment==3.3.2'],
    ],
    env: (folder) => ({ TMPDIR: folder }),
    asked: "pip's index of packages",
    fix:
      'connect this machine, or name a proxy by `pip config set global.proxy URL` ' +
      'or a mirror by `pip config set global.index-url URL`',
  },
  go: {
    command: 'go',
    args: () => ['list', '-m', 'github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c'],
    env: (folder) => ({ GOFLAGS: '-mod=mod', GOWORK: 'off', PWD: folder }),
    asked: "Go's module proxy",
    fix:
      'connect this machine, name a proxy by HTTPS_PROXY or a mirror by `go env -w GOPROXY=URL`, ' +
      'or set RAPT_MINIO_BIN to a MinIO server',
  },
};

/** Asks all at once.
 *  @param {readonly Fetcher[]} fetchers
 *  @param {AbortSignal} [signal]
 *  @returns {Promise<Check[]>} */
export const askRegistries = (fetchers, signal) =>
  Promise.all([...new Set(fetchers)].map((fetcher) => askOne(fetcher, signal)));

/** @param {Fetcher} fetcher
 *  @param {AbortSignal} [signal]
 *  @returns {Promise<Check>} */
async function askOne(fetcher, signal) {
  const { command, args, env, asked, fix } = QUESTIONS[fetcher];
  const what = `network for ${fetcher}`;
  const folder = mkdtempSync(join(tmpdir(), 'rapt-network-'));
  try {
    // npm reads the project's own settings from its folder; Go must not find a module in the folder where it runs.
    const cwd = fetcher === 'npm' ? projectRoot : folder;
    await runCommand(command, args(folder), { cwd, env: env(folder), ...(signal === undefined ? {} : { signal }) });
    return { what, ok: true, detail: `${asked} answers`, fix: null };
  } catch (error) {
    if (signal?.aborted) throw error;
    return { what, ok: false, detail: `${asked} gives nothing (${lastWords(error)})`, fix };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
