// @ts-check
/** Makes the parts that are missing, side by side where they do not need each other. */
import { join } from 'node:path';
import { cacheFolder } from '../../system/paths.mjs';
import { withFileLock } from '../../system/file-lock.mjs';
import { checkMachine, problemsOf } from './checks.mjs';
import { COMPONENTS } from './components/index.mjs';
import { readMachine } from './machine.mjs';
import { askRegistries } from './network.mjs';
import { Progress } from './progress-lines.mjs';
import { brokenFiles, isSealed, seal } from './seals.mjs';
import { Work } from './work.mjs';

/** @import { Check, Needs } from './checks.mjs' */
/** @import { Component } from './components/component.mjs' */
/** @import { Machine, Place } from './machine.mjs' */
/** @import { Screen } from './progress-lines.mjs' */

/** Why set-up cannot begin, or which parts of it failed: sentences without a full stop. */
export class SetUpFailed extends Error {
  /** @param {readonly string[]} problems
   *  @param {boolean} hasBegun */
  constructor(problems, hasBegun) {
    super(problems.join('\n'));
    this.name = 'SetUpFailed';
    this.problems = problems;
    this.hasBegun = hasBegun;
  }
}

/** @typedef {object} SetUpOptions
 *  @property {boolean} [verify] reads all bytes of what is there, and makes anew what has changed
 *  @property {AbortSignal} [signal] ends it, with all that it has started and nothing left half
 *  @property {Screen} [screen]
 *  @property {(machine: Machine) => Machine} [see] another machine than this one, in tests */

/** Makes the missing ones of these parts. Each is moved to its place by a rename when it is whole, so that an
 *  interruption costs only the parts that are being made.
 *  @param {readonly Component[]} [components]
 *  @param {SetUpOptions} [options]
 *  @throws SetUpFailed with everything that is wrong, before anything is fetched, or with the parts that failed */
export async function setUp(
  components = COMPONENTS,
  { verify = false, signal = new AbortController().signal, screen = process.stderr, see } = {},
) {
  /** @param {string} line */
  const say = (line) => void screen.write(`set-up: ${line}\n`);
  const missing = components.filter((component) => !component.isReady());
  const checks = examine(missing, { isHost: components.some(({ name }) => name !== 'packages'), see });
  const settings = components.flatMap((component) => component.settings?.() ?? []);
  refuse([...settings, ...checks]);
  for (const { detail } of missing.length > 0 || verify ? settings : []) say(detail);
  if (missing.length === 0 && !verify) return;
  const lost = verify
    ? await findLost(
        components.filter((component) => !missing.includes(component)),
        say,
      )
    : [];
  if (missing.length + lost.length === 0) return;
  refuse(
    await askRegistries(
      [...missing, ...lost].flatMap(({ fetchers }) => fetchers),
      signal,
    ),
  );
  const lock = join(cacheFolder(), 'set-up.lock');
  await withFileLock(
    lock,
    () =>
      makeAll(
        components.filter((component) => lost.includes(component) || !component.isReady()),
        { signal, screen },
      ),
    () => say('waits for another set-up on this machine'),
    signal,
  );
}

/** Checks the machine for what the missing parts need.
 *  @param {readonly Component[]} missing
 *  @param {object} [o]
 *  @param {boolean} [o.isHost] whether models or servers are to run on it
 *  @param {(machine: Machine) => Machine} [o.see]
 *  @returns {Check[]} */
export function examine(missing, { isHost = true, see = (machine) => machine } = {}) {
  const needs = needsOf(missing, isHost);
  const places = /** @type {Place[]} */ (Object.keys(needs.bytes));
  return checkMachine(see(readMachine({ programs: needs.programs, places })), needs);
}

/** @param {readonly Component[]} missing
 *  @param {boolean} isHost
 *  @returns {Needs} */
function needsOf(missing, isHost) {
  /** @type {Partial<Record<Place, number>>} */
  const bytes = {};
  for (const component of missing) {
    for (const [name, count] of Object.entries(component.bytes)) {
      const place = /** @type {Place} */ (name);
      bytes[place] = (bytes[place] ?? 0) + count;
    }
  }
  return { isHost, programs: [...new Set(missing.flatMap(({ programs }) => programs))], bytes };
}

/** @param {readonly Check[]} checks */
function refuse(checks) {
  const problems = problemsOf(checks);
  if (problems.length > 0) throw new SetUpFailed(problems, false);
}

/** Parts that hold a file whose bytes have changed, though its size and time have not.
 *  @param {readonly Component[]} components
 *  @param {(line: string) => void} say
 *  @returns {Promise<Component[]>} */
async function findLost(components, say) {
  const broken = await Promise.all(components.map(({ name, files }) => brokenFiles(name, files())));
  for (const path of broken.flat()) say(`${path} is not what was put there; it is made anew`);
  return components.filter((_, index) => broken[index]?.length !== 0);
}

/** Makes parts. When one fails the others go on: a part that is whole need not be made again.
 *  @param {readonly Component[]} components
 *  @param {{ signal: AbortSignal, screen: Screen }} o
 *  @throws SetUpFailed */
async function makeAll(components, { signal, screen }) {
  const progress = new Progress(screen);
  /** @param {Component} component */
  const neededBy = ({ after }) => components.filter(({ name }) => after.includes(name));
  progress.begin(components, (name) => {
    const needed = neededBy(/** @type {Component} */ (components.find((component) => component.name === name)));
    return needed.length === 0 ? '' : `waits for ${needed.map(({ title }) => title).join(' and ')}`;
  });
  /** @type {string[]} */
  const problems = [];
  /** @type {Map<string, Promise<boolean>>} */
  const made = new Map();
  /** @param {Component} component
   *  @returns {Promise<boolean>} whether it is there */
  const make = (component) => {
    const known = made.get(component.name);
    if (known !== undefined) return known;
    const making = (async () => {
      const before = await Promise.all(neededBy(component).map(make));
      if (before.includes(false)) {
        progress.failed(component.name, 'not begun, since something that it needs failed');
        return false;
      }
      progress.start(component.name);
      try {
        await makeOne(
          component,
          new Work({ name: component.name, signal, tell: (text, share) => progress.tell(component.name, text, share) }),
        );
        progress.ready(component.name);
        return true;
      } catch (error) {
        const why = signal.aborted ? 'interrupted' : error instanceof Error ? error.message : String(error);
        progress.failed(component.name, why);
        problems.push(`${component.title}: ${why}`);
        return false;
      }
    })();
    made.set(component.name, making);
    return making;
  };
  try {
    await Promise.all(components.map(make));
  } finally {
    progress.end();
  }
  signal.throwIfAborted();
  if (problems.length > 0) throw new SetUpFailed(problems, true);
}

/** @param {Component} component
 *  @param {Work} work */
async function makeOne(component, work) {
  const { name, files } = component;
  if (files().length === 0 || !(await isWhole(component))) await component.install(work);
  if (!isSealed(name, files())) await seal(name, files());
  component.link?.();
}

/** Whether all bytes of a part are right though its times are not, as after a copy of the cache.
 *  @param {Component} component
 *  @returns {Promise<boolean>} */
const isWhole = async ({ name, files }) => (await brokenFiles(name, files())).length === 0;

/** Which of these parts are not there.
 *  @param {readonly string[]} names as `rapt doctor` shows them
 *  @returns {string[]} */
export const missingOf = (names) =>
  COMPONENTS.filter(({ name, isReady }) => names.includes(name) && !isReady()).map(({ name }) => name);
