/** Which process is killed at which moment. This follows from the seed, so that a failed run can be repeated. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { permutation, seededStream } from '../../rapt/tuning/index.ts';

export const PHASES = ['privatize', 'publish', 'train', 'checkpoint', 'predict', 'report'] as const;
export type Phase = (typeof PHASES)[number];
/** `frozen` is a GPU worker that is stopped beyond its heartbeat time-out, and woken when another one works on its
 *  run. */
export const VICTIMS = ['client', 'gpu', 'trainer', 'frozen', 'control', 'temporal', 'minio'] as const;
export type Victim = (typeof VICTIMS)[number];

export interface Kill {
  readonly phase: Phase;
  readonly victim: Victim;
  /** Time from the beginning of the phase, as a share of the time that the phase usually takes. */
  readonly at: number;
  /** Seconds until a supervisor starts the process again. It does not count for a frozen worker, which is woken after
   *  its heartbeat has timed out. */
  readonly downSeconds: number;
}

const MOST_KILLS = 3;
const LONGEST_DOWN_SECONDS = 1.5;

/** The kills of one run, in the order of their phases. The first kills of consecutive runs go through all pairs of
 *  phase and victim.
 *  @param aim a phase or a victim that all kills must have. */
export function planRun(
  seed: number,
  run: number,
  aim: { readonly phase?: Phase | undefined; readonly victim?: Victim | undefined } = {},
): readonly Kill[] {
  const pairs = PHASES.flatMap((phase) => VICTIMS.map((victim) => ({ phase, victim })));
  const round = Math.floor(run / pairs.length);
  const pair = pairs[permutation(seededStream(seed, 'pairs', round), pairs.length)[run % pairs.length]!]!;
  const stream = seededStream(seed, 'kills', run);
  const more = uniformInt(stream, 0, MOST_KILLS - 1);
  const others = Array.from({ length: more }, () => ({ phase: pick(stream, PHASES), victim: pick(stream, VICTIMS) }));
  return [pair, ...others]
    .map(({ phase, victim }) => ({
      phase: aim.phase ?? phase,
      victim: aim.victim ?? victim,
      at: uniformFloat64(stream),
      downSeconds: uniformFloat64(stream) * LONGEST_DOWN_SECONDS,
    }))
    .sort((a, b) => PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase) || a.at - b.at);
}

const pick = <T>(stream: RandomGenerator, from: readonly T[]): T => from[uniformInt(stream, 0, from.length - 1)]!;
