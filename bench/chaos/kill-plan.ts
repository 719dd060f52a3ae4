/** What is killed when: a function of the seed, so that a run that failed can be repeated. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { permutation, seededStream } from '../../rapt/tuning/index.ts';

export const PHASES = ['privatize', 'publish', 'train', 'checkpoint', 'predict', 'report'] as const;
export type Phase = (typeof PHASES)[number];
/** `frozen` is a GPU worker that is stopped past its heartbeat and woken when another works on its run. */
export const VICTIMS = ['client', 'gpu', 'trainer', 'frozen', 'control', 'temporal', 'minio'] as const;
export type Victim = (typeof VICTIMS)[number];

export interface Kill {
  readonly phase: Phase;
  readonly victim: Victim;
  /** From the moment in which the phase is seen to begin, as a share of the time that it usually takes. */
  readonly at: number;
  /** Seconds until a supervisor starts it again. A frozen worker is woken after its heartbeat has timed out, whatever
   *  this says. */
  readonly downSeconds: number;
}

const MOST_KILLS = 3;
const LONGEST_DOWN_SECONDS = 1.5;

/** The kills of one run, in the order of their phases. The first of all runs together goes evenly through all pairs of
 *  phase and victim.
 *  @param aim a phase and a victim that all kills have. */
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
