/** How far a run, its release and its training are. */
import type { ShownAttack } from './audit.ts';

export const STAGES = [
  'validate',
  'privatize',
  'publish',
  'train',
  'predict',
  'audit',
  'score',
  'report',
  'register',
  'done',
] as const;
export type Stage = (typeof STAGES)[number];

/** What `progress` answers at any time. Carries no user data. */
export interface RunProgress {
  readonly stage: Stage;
  /** True from the moment a pause is asked for until the run goes on. */
  readonly paused: boolean;
  /** One sentence about what the run is doing, or waiting for. */
  readonly message: string;
  readonly rowsPrivatized: number;
  readonly rowsTotal: number;
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  readonly totalSteps: number;
  readonly loss: number | null;
  /** Recent losses, oldest first, at most 60. */
  readonly losses: readonly number[];
  readonly secondsLeft: number | null;
  readonly checkpointStep: number | null;
  /** Where training goes on, if it began from an earlier checkpoint: "resumed at step 150 of 375 from run X". */
  readonly resumed: string | null;
  /** The accuracy that is told. Null before it is told, and when it never is. */
  readonly accuracy: number | null;
  /** What attacks on the tokens got. Attributes are left out, since the user's own columns name them. */
  readonly attacks: readonly AttackGot[];
  /** Null until the gates are looked at, and when there are no gates. */
  readonly gates: { readonly held: number; readonly total: number } | null;
  readonly report: string | null;
  /** Where a browser finds the report; null when nobody told. */
  readonly reportLink: string | null;
  /** What a person should know of how the tables were read: counts, and shares in whole percents. Absent in runs of
   *  earlier versions. */
  readonly notes?: readonly string[];
}

/** Shares of the tokens, as they are told; null when they are not told. */
export interface AttackGot {
  readonly attack: string;
  readonly success: number | null;
  readonly priorOnly: number | null;
  readonly mostFrequent?: number | null;
}

export const attackGot = ({ attack, success, priorOnly, mostFrequent }: ShownAttack): AttackGot => ({
  attack,
  success: success?.value ?? null,
  priorOnly: priorOnly?.value ?? null,
  ...(mostFrequent !== undefined && { mostFrequent: mostFrequent?.value ?? null }),
});

/** What the GPU worker sends while a block of steps runs. It is also the detail of its heartbeats. */
export interface TrainingProgress {
  readonly step: number;
  readonly totalSteps: number;
  readonly epoch: number;
  readonly loss: number;
  /** The time of a step, smoothed; 0 until it is known. */
  readonly stepMs: number;
  readonly checkpointStep: number | null;
  readonly resumed: string | null;
  /** How often the model process crashed since the checkpoint last moved. */
  readonly crashes: number;
}

/** How far a release is. */
export interface ReleaseProgress {
  readonly rows: number;
  readonly rowsTotal: number;
  readonly reused: boolean;
}
