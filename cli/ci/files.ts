/** Files in which a CI job, and who looks at it, finds how a run came out. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from '../../system/index.ts';
import type { TuningResult } from '../../contracts/index.ts';
import { renderSummary, renderWithoutResult } from '../../rapt/report/index.ts';
import { say } from '../terminal/output.ts';
import { assertFile } from '../options/written-files.ts';
import { readReport } from '../stored-report.ts';
import { junitReport } from './junit.ts';
import { UNKNOWN, verdictOf, type AskedRun, type Outcome } from './outcome.ts';
import { outputLines } from './outputs.ts';

/** Where each is written; what has no path is not. */
export interface FilePaths {
  readonly junit?: string | undefined;
  readonly summary?: string | undefined;
  /** Added to. */
  readonly outputs?: string | undefined;
  /** A copy of the run's HTML report. */
  readonly report?: string | undefined;
}

export class ResultFiles {
  readonly #paths: FilePaths;
  readonly #startedAt = new Date();
  /** What others wrote into the file of outputs before. */
  #earlierOutputs: string | null = null;

  constructor(paths: FilePaths) {
    this.#paths = paths;
  }

  /** Says that the outcome is not known yet. It also shows early whether the files can be written. @throws BadInput
   *  when they cannot. */
  begin(run: AskedRun): void {
    this.#prepare();
    this.#write(run, UNKNOWN, null);
  }

  #prepare(): void {
    for (const [option, path] of Object.entries(this.#paths) as [keyof FilePaths, string | undefined][]) {
      if (path === undefined) continue;
      assertFile(`--${option}`, path, { makesFolders: true, inPlace: true });
      makeFolder(dirname(path));
    }
  }

  async end(run: AskedRun, outcome: Outcome): Promise<void> {
    this.#write(run, outcome, outcome.result === null ? null : await this.#copyReport(run, outcome.result));
  }

  #write(run: AskedRun, outcome: Outcome, report: string | null): void {
    const { junit, summary, outputs } = this.#paths;
    const seconds = (Date.now() - this.#startedAt.getTime()) / 1000;
    if (junit !== undefined) writeFileSync(junit, junitReport(run, outcome, { startedAt: this.#startedAt, seconds }));
    if (summary !== undefined) writeFileSync(summary, summaryOf(run, outcome));
    if (outputs !== undefined) {
      this.#earlierOutputs ??= existsSync(outputs) ? readFileSync(outputs, 'utf8') : '';
      // Each name once: not every reader takes the last of several.
      writeFileSync(outputs, this.#earlierOutputs + outputLines(run, outcome, report));
    }
  }

  /** Null where it cannot be had: the texts may lie on another machine than the job, and only that can open it. */
  async #copyReport({ id, tenant }: AskedRun, { report }: TuningResult): Promise<string | null> {
    const target = this.#paths.report;
    if (target === undefined) return null;
    try {
      writeFileSync(target, existsSync(report.path) ? readFileSync(report.path) : await readReport(tenant, id, 'html'));
      return target;
    } catch (error) {
      say(
        `the report is not copied to ${target}: ${error instanceof Error ? error.message : String(error)}. It is ` +
          `at ${report.uri}`,
      );
      return null;
    }
  }
}

function summaryOf({ id, remarks = [] }: AskedRun, outcome: Outcome): string {
  return outcome.result === null
    ? renderWithoutResult(id, verdictOf(outcome), [...remarks, outcome.message])
    : renderSummary(outcome.result, remarks);
}
