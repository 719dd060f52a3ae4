/** Which test files run side by side. Two lanes are under way at once; a file is in the light one unless it is named
 *  here. */
import { availableParallelism } from 'node:os';

export interface Lane {
  readonly name: string;
  /** How many of its files run at a time. */
  readonly width: number;
  /** Beginnings of the paths of its files. */
  readonly files: readonly string[];
}

/** Files that start servers and workers of their own. Two of them at a time end hardly sooner on two cores, and each
 *  waits for the other where it counts seconds. */
const SERVERS: Lane = {
  name: 'servers',
  width: 1,
  files: [
    'adversary/store-access',
    'e2e/',
    'infra/server',
    'interop/peft',
    'workers/start',
    'workflows/',
    'adversary/provider',
  ],
};
/** Files that keep one core busy, or less; the other lane has a core for itself. */
const LIGHT: Lane = { name: 'light', width: Math.max(1, availableParallelism() - 1), files: [''] };

export const LANES = [SERVERS, LIGHT] as const;

export const laneOf = (file: string): Lane => LANES.find(({ files }) => files.some((part) => file.startsWith(part)))!;
