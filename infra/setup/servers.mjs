// @ts-check
/** Which program runs a server: the one that the environment names, one on the PATH that is new enough, or the one that
 *  set-up provides. */
import { statSync } from 'node:fs';
import { setting } from '../../system/setting.mjs';
import { findOnPath } from './programs.mjs';

/** @import { Check } from './checks.mjs' */

/** @typedef {object} ServerProgram
 *  @property {string} name on the PATH, and of the component
 *  @property {string} called for people
 *  @property {string} variable that names another one
 *  @property {(path: string) => string | null} versionOf what a program says of itself; null when it does not run
 *  @property {(version: string) => boolean | null} isEnough null for a version that cannot be compared: taken only
 *  when the environment names it
 *  @property {string} least for people, with its reason
 *  @property {() => string} own that set-up provides */

/** @typedef {object} Found
 *  @property {string} path
 *  @property {boolean} own whether it is the one that set-up provides, which may not be there yet
 *  @property {Check[]} checks what is worth telling of others */

/** @param {ServerProgram} program
 *  @returns {Found} */
export function findServer(program) {
  const { name, called, variable, least, own } = program;
  const named = setting(variable);
  if (named !== undefined) return { path: named, own: false, checks: [checkNamed(program, named)] };
  const path = findOnPath(name);
  if (path === null) return { path: own(), own: true, checks: [] };
  const version = askOnce(program, path);
  if (version !== null && program.isEnough(version)) return { path, own: false, checks: [] };
  const why = version === null ? 'does not run' : `is version ${version}, and Rapt needs ${least}`;
  const detail = `the ${called} on the PATH (${path}) ${why}: set-up provides another`;
  return { path: own(), own: true, checks: [{ what: `${name} on the PATH`, ok: true, detail, fix: null }] };
}

/** @param {ServerProgram} program
 *  @param {string} named
 *  @returns {Check} */
function checkNamed(program, named) {
  const { called, variable, least } = program;
  const version = askOnce(program, named);
  if (version === null) {
    const detail = `${variable} names ${named}, which is not there or does not run`;
    return { what: variable, ok: false, detail, fix: `set it to a ${called} program, or leave it unset` };
  }
  if (program.isEnough(version) !== false)
    return { what: variable, ok: true, detail: `${named}, version ${version}`, fix: null };
  const detail = `${variable} names ${named}, which is version ${version}, and Rapt needs ${least}`;
  return { what: variable, ok: false, detail, fix: 'set it to a newer one, or leave it unset' };
}

/** @type {Map<string, string | null>} */
const asked = new Map();

/** The version of a program. A program that has not changed is not asked again.
 *  @param {ServerProgram} program
 *  @param {string} path
 *  @returns {string | null} */
function askOnce(program, path) {
  try {
    const { size, mtimeMs } = statSync(path);
    const key = `${path} ${size} ${mtimeMs}`;
    const version = asked.has(key) ? (asked.get(key) ?? null) : program.versionOf(path);
    asked.set(key, version);
    return version;
  } catch {
    return null;
  }
}
