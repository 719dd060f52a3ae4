/** What a run knows about itself. The class uses neither Temporal nor a clock, and its state can be written as JSON. */
import { attackGot, STAGES } from '../contracts/index.ts';
import type {
  GateResult,
  ReleaseProgress,
  RunProgress,
  ShownAudit,
  Stage,
  TrainBlockResult,
  TrainingProgress,
} from '../contracts/index.ts';

const KEPT_LOSSES = 60;
/** Each attempt and each block of steps measures its pace anew. So that the time left does not jump, a new pace is
 *  brought to within this factor of the known one, and counts only with the weight below. */
const MOST_NEW_PACE = 2;
const WEIGHT_OF_NEW_PACE = 0.3;

export interface Expected {
  readonly epochs: number;
}

/** A run's state as JSON, which the run takes with it into a new history. */
export interface RunSnapshot {
  readonly progress: RunProgress;
  readonly enteredAtMs: number;
  readonly seconds: Readonly<Record<string, number>>;
  /** Time of a step; absent before the first one. */
  readonly paceMs?: number;
}

export class RunState {
  #progress: RunProgress;
  #enteredAtMs: number;
  readonly #seconds: Record<string, number>;
  #paceMs: number | null;

  /** @param nowMs by the workflow's own clock, as all times that this class is given. */
  constructor(nowMs: number, snapshot?: RunSnapshot) {
    this.#enteredAtMs = snapshot?.enteredAtMs ?? nowMs;
    this.#seconds = { ...snapshot?.seconds };
    this.#paceMs = snapshot?.paceMs ?? null;
    // A snapshot of an earlier version lacks newer fields.
    this.#progress = {
      stage: 'validate',
      paused: false,
      message: 'checks the configuration',
      rowsPrivatized: 0,
      rowsTotal: 0,
      epoch: 0,
      epochs: 0,
      step: 0,
      totalSteps: 0,
      loss: null,
      losses: [],
      secondsLeft: null,
      checkpointStep: null,
      resumed: null,
      accuracy: null,
      attacks: [],
      gates: null,
      report: null,
      reportLink: null,
      ...snapshot?.progress,
    };
  }

  snapshot(): RunSnapshot {
    return {
      progress: this.#progress,
      enteredAtMs: this.#enteredAtMs,
      seconds: this.timing,
      ...(this.#paceMs !== null && { paceMs: this.#paceMs }),
    };
  }

  get progress(): RunProgress {
    return this.#progress;
  }

  /** Seconds spent in each stage that has ended, in the order in which they ended. */
  get timing(): Readonly<Record<string, number>> {
    return { ...this.#seconds };
  }

  expect({ epochs }: Expected): void {
    this.#update({ epochs });
  }

  /** Ends the stage before and begins this one; the same stage again only changes the message. */
  enter(stage: Stage, message: string, nowMs: number): void {
    const before = this.#progress.stage;
    if (stage !== before) {
      const seconds = (this.#seconds[before] ?? 0) + (nowMs - this.#enteredAtMs) / 1000;
      this.#seconds[before] = Math.round(seconds * 1000) / 1000;
      this.#enteredAtMs = nowMs;
    }
    this.#update({ stage, message, secondsLeft: null });
  }

  /** @param notes what a person should know about how the tables were read. */
  inspected(rowsTotal: number, notes: readonly string[] = []): void {
    this.#update({ rowsTotal, ...(notes.length > 0 && { notes }) });
  }

  /** Takes a signal only while its stage lasts: a late signal may come from an attempt that was given up. Anyone may
   *  send a signal, so a malformed one is ignored. */
  releaseAdvanced(sent: unknown): void {
    if (this.#progress.stage !== 'privatize' || !isReleaseProgress(sent)) return;
    const message = sent.reused
      ? 'takes the release that an earlier run drew: nothing is drawn, and no budget is spent'
      : 'privatizes the texts on the client';
    this.#update({ rowsPrivatized: sent.rows, rowsTotal: sent.rowsTotal, message });
  }

  released(rows: number): void {
    this.#update({ rowsPrivatized: rows, rowsTotal: rows });
  }

  /** As `releaseAdvanced`. The step may be lower than before: a new attempt begins at the last checkpoint. */
  trainingAdvanced(sent: unknown): void {
    if (this.#progress.stage !== 'train' || !isTrainingProgress(sent)) return;
    const { step, totalSteps, epoch, loss, stepMs, checkpointStep, resumed } = sent;
    if (stepMs > 0) this.#paceMs = smoothed(this.#paceMs, stepMs);
    this.#update({
      step,
      totalSteps,
      epoch,
      loss: loss ?? this.#progress.loss,
      losses: loss === null ? this.#progress.losses : [...this.#progress.losses, loss].slice(-KEPT_LOSSES),
      // An attempt knows its pace after its first steps; until then the pace of the attempt before counts.
      secondsLeft: this.#paceMs === null ? null : Math.max(0, Math.round(((totalSteps - step) * this.#paceMs) / 1000)),
      checkpointStep: checkpointStep ?? this.#progress.checkpointStep,
      resumed: resumed ?? this.#progress.resumed,
    });
  }

  /** A block of steps has ended, and its last step is in a checkpoint. */
  blockTrained(block: TrainBlockResult): void {
    this.#update({
      step: block.step,
      totalSteps: block.totalSteps,
      epoch: Math.floor(block.step / block.stepsPerEpoch),
      loss: block.lastLoss,
      losses: block.losses.length > 0 ? block.losses.slice(-KEPT_LOSSES) : this.#progress.losses,
      checkpointStep: block.step,
      resumed: this.#progress.resumed ?? block.resumed,
    });
  }

  attacked({ attacks }: Pick<ShownAudit, 'attacks'>): void {
    this.#update({ attacks: attacks.map(attackGot) });
  }

  /** @param accuracy null when it is not told. */
  scored(accuracy: number | null, gates: readonly GateResult[]): void {
    // A gate whose outcome is not told does not count.
    const told = gates.filter(({ passed }) => passed !== null);
    const held = told.filter(({ passed }) => passed).length;
    this.#update({ accuracy, gates: told.length === 0 ? null : { held, total: told.length } });
  }

  /** @param link where a browser finds the report. */
  reported(uri: string, link?: string): void {
    this.#update({ report: uri, reportLink: link ?? null });
  }

  pausing(paused: boolean): void {
    this.#update({ paused, secondsLeft: null });
  }

  /** The run ends before its last stage. */
  stopped(message: string): void {
    this.#update({ message, secondsLeft: null });
  }

  #update(change: Partial<RunProgress>): void {
    this.#progress = { ...this.#progress, ...change };
  }
}

function smoothed(before: number | null, ms: number): number {
  if (before === null) return ms;
  const near = Math.min(MOST_NEW_PACE * before, Math.max(before / MOST_NEW_PACE, ms));
  return before + WEIGHT_OF_NEW_PACE * (near - before);
}

/** How many stages have ended: 0 during `validate`. */
export const stagesDone = (stage: Stage): number => STAGES.indexOf(stage);

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function isReleaseProgress(value: unknown): value is ReleaseProgress {
  return (
    isRecord(value) && isNumber(value['rows']) && isNumber(value['rowsTotal']) && typeof value['reused'] === 'boolean'
  );
}

function isTrainingProgress(
  value: unknown,
): value is Omit<TrainingProgress, 'loss'> & { readonly loss: number | null } {
  return (
    isRecord(value) &&
    ['step', 'totalSteps', 'epoch', 'stepMs'].every((field) => isNumber(value[field])) &&
    // Null before the first step of an attempt, since JSON has no NaN.
    (value['loss'] === null || isNumber(value['loss'])) &&
    (value['checkpointStep'] === null || isNumber(value['checkpointStep'])) &&
    (value['resumed'] === null || typeof value['resumed'] === 'string')
  );
}
