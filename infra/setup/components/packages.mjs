// @ts-check
/** The npm packages of a working copy. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../../system/paths.mjs';

/** @import { Component } from './component.mjs' */

const lockFile = join(projectRoot, 'package-lock.json');
/** Tells for which lock file the packages were installed. `npm ci` removes it before anything else. */
const stampFile = join(projectRoot, 'node_modules', '.rapt-lock-stamp');

const stamp = () => createHash('sha256').update(readFileSync(lockFile)).digest('hex');

/** Only for a working copy: an installed Rapt has come with its packages.
 *  @type {Component} */
export const packages = {
  name: 'packages',
  title: 'npm packages',
  after: [],
  programs: ['npm'],
  fetchers: ['npm'],
  bytes: { project: 1.5e9, npm: 0.5e9 },
  isReady: () => {
    try {
      return readFileSync(stampFile, 'utf8') === stamp();
    } catch {
      return false;
    }
  },
  place: () => join(projectRoot, 'node_modules'),
  files: () => [],
  install: async (work) => {
    const lock = /** @type {{ packages: Record<string, LockedPackage> }} */ (
      JSON.parse(readFileSync(lockFile, 'utf8'))
    );
    const total = Object.values(lock.packages).filter(isFetched).length;
    let fetched = 0;
    /** @param {string} line */
    const onLine = (line) => {
      if (/http (fetch|cache) .*\.tgz/.test(line)) work.count(++fetched, total, 'packages');
    };
    // Install scripts stay off: set-up itself builds what must be built.
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=http'];
    await work.run('npm', ['ci', ...options], { cwd: projectRoot, onLine });
    writeFileSync(stampFile, stamp());
  },
};

/** @typedef {{ integrity?: string, os?: string[], cpu?: string[], libc?: string[] }} LockedPackage */

/** Whether npm fetches a package of the lock file on this machine.
 *  @param {LockedPackage} entry */
function isFetched({ integrity, os, cpu, libc }) {
  return integrity !== undefined && suits(os, process.platform) && suits(cpu, process.arch) && suits(libc, 'glibc');
}

/** @param {readonly string[] | undefined} allowed
 *  @param {string} here */
function suits(allowed, here) {
  return (
    allowed === undefined ||
    allowed.includes(here) ||
    (allowed[0]?.startsWith('!') === true && !allowed.includes(`!${here}`))
  );
}
