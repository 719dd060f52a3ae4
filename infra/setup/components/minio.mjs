// @ts-check
/** The MinIO server, built from its source. */
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../../system/paths.mjs';
import { inStaging, put } from '../staging.mjs';
import { ask, SERVER_ANSWERS_MS } from '../programs.mjs';
import { isSealed } from '../seals.mjs';
import { findServer } from '../servers.mjs';

/** @import { Component } from './component.mjs' */
/** @import { Work } from '../work.mjs' */

/** The publisher offers no program of a version that Rapt can use, only its source. The module is checked against the
 *  sum below, and everything that it builds on against the module's own go.sum. */
const MODULE = 'github.com/minio/minio';
const VERSION = 'v0.0.0-20260212201848-7aac2a2c5b7c';
const SUM = 'h1:/qdoYujxF5MBLDMVLeiYJ/7fBa1HikX39Dvzb9Ji8pA=';
const RELEASE = '2026-02-12T20-18-48Z';
/** In earlier versions, keys with an inline policy could make themselves keys without one (GHSA-jjjj-jwhf-8rgr):
 *  workers could get the rights that `rapt credentials` keeps from them. */
const LEAST = '20251015170045';
/** How many modules the program consists of. */
const MODULES = 242;
/** The share of the work that is fetching; the rest is compiling. */
const FETCHING = 0.1;

const own = () => join(cacheFolder(), 'bin', `minio-${RELEASE}`);
/** Where Rapt built it before it kept versions apart. */
const earlier = () => join(cacheFolder(), 'bin', 'minio');
const find = () =>
  findServer({
    name: 'minio',
    called: 'MinIO',
    variable: 'RAPT_MINIO_BIN',
    versionOf: minioVersion,
    isEnough: (version) => (/^\d{4}-/.test(version) ? version.replace(/\D/g, '') >= LEAST : null),
    least: '2025-10-15T17-29-55Z or later, whose keys keep to their policies',
    own,
  });

/** The MinIO server. */
export const minioBinary = () => find().path;

const files = () => (find().own ? [{ path: own() }] : []);

/** @type {Component} */
export const minio = {
  name: 'minio',
  title: 'MinIO, built from source',
  after: [],
  programs: ['go'],
  fetchers: ['go'],
  bytes: { cache: 0.3e9, go: 2.2e9 },
  isReady: () => isSealed('minio', files()),
  place: minioBinary,
  files,
  settings: () => find().checks,
  install: (work) => (takeEarlier() ? Promise.resolve() : inStaging('minio', (folder) => build(folder, work))),
};

/** Takes over a program that an earlier Rapt built from the same source. Go writes the source's sum into a program.
 *  @returns {boolean} */
function takeEarlier() {
  if (existsSync(own()) || !existsSync(earlier()) || ask(earlier(), ['--version']) === null) return false;
  if (!readFileSync(earlier()).includes(`mod\t${MODULE}\t${VERSION}\t${SUM}\n`)) return false;
  copyFileSync(earlier(), `${own()}.part`);
  put(`${own()}.part`, own());
  return true;
}

/** @param {string} folder
 *  @param {Work} work */
async function build(folder, work) {
  // The user's own flags could turn checks off, or build for another machine. The sums are pinned, so the server of
  // sums need not be asked.
  const env = {
    GOFLAGS: '-mod=readonly',
    GOSUMDB: 'off',
    GOWORK: 'off',
    GO111MODULE: 'on',
    GOOS: 'linux',
    GOARCH: 'amd64',
    CGO_ENABLED: '0',
  };
  let fetched = 0;
  /** @param {string} line */
  const onFetch = (line) => {
    if (line.startsWith('go: downloading '))
      work.say(`${++fetched} of ${MODULES} modules`, (FETCHING * Math.min(fetched, MODULES)) / MODULES);
  };
  const answer = await work.run('go', ['mod', 'download', '-json', `${MODULE}@${VERSION}`], { cwd: folder, env });
  const { Dir: source, Sum: sum } = /** @type {{ Dir: string, Sum: string }} */ (JSON.parse(answer));
  if (sum !== SUM)
    throw new Error(`${MODULE}@${VERSION} has the sum ${sum} instead of the pinned ${SUM}; it was not used`);
  const listed = await work.run('go', ['list', '-deps', '-f', '.', '.'], { cwd: source, env, onLine: onFetch });
  const total = listed.split('\n').filter((line) => line === '.').length;
  let compiled = 0;
  const onPackage = () => {
    compiled++;
    work.say(
      `${compiled} of ${Math.max(total, compiled)} packages compiled`,
      FETCHING + ((1 - FETCHING) * compiled) / Math.max(total, compiled),
    );
  };
  const program = join(folder, 'minio');
  await work.run('go', ['build', '-v', '-trimpath', '-ldflags', linkerFlags(), '-o', program, '.'], {
    cwd: source,
    env,
    onLine: onPackage,
  });
  const version = minioVersion(program);
  if (version !== RELEASE)
    throw new Error(
      `the MinIO that was built says that it is ${version ?? 'nothing'} instead of ${RELEASE}; it was not used`,
    );
  put(program, own());
}

/** The flags of the publisher's own script. Without them the program does not know its version. */
function linkerFlags() {
  const values = {
    Version: RELEASE.replace(/(\d\d)-(\d\d)-(\d\dZ)$/, '$1:$2:$3'),
    ReleaseTag: `DEVELOPMENT.${RELEASE}`,
    CopyrightYear: RELEASE.slice(0, 4),
  };
  return ['-s', '-w', ...Object.entries(values).map(([name, value]) => `-X ${MODULE}/cmd.${name}=${value}`)].join(' ');
}

/** The version of a MinIO program. Into a program that somebody built by `go install`, Go has written the commit.
 *  @param {string} path
 *  @returns {string | null} such as 2025-10-15T17-29-55Z; what it says of itself where that is no time; null when it
 *  does not run */
export function minioVersion(path) {
  const printed = ask(path, ['--version'], SERVER_ANSWERS_MS);
  if (printed === null) return null;
  // The program's file name is printed first, and may hold another time.
  const released = / version \S*?(\d{4}-\d\d-\d\dT\d\d[-:]\d\d[-:]\d\dZ)/.exec(printed)?.[1]?.replaceAll(':', '-');
  if (released !== undefined) return released;
  const built = new RegExp(`mod\t${MODULE}\tv0\\.0\\.0-(\\d{4})(\\d\\d)(\\d\\d)(\\d\\d)(\\d\\d)(\\d\\d)-`).exec(
    readFileSync(path, 'latin1'),
  );
  if (built !== null) return `${built.slice(1, 4).join('-')}T${built.slice(4, 7).join('-')}Z`;
  return printed.split('\n')[0] ?? null;
}
