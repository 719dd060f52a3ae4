/** Starting a run and waiting for it, as `start`, `run`, `watch`, `resume` and `extend` do. */
import { aborted, type AskedRun } from '../ci/outcome.ts';
import { ResultFiles } from '../ci/files.ts';
import { durationOf } from '../options/values.ts';
import { printResult } from '../result-table.ts';
import { withTemporal, type Link } from '../temporal/connection.ts';
import { CommandFailure, EXIT } from '../terminal/exit-codes.ts';
import { Interruption } from '../terminal/interruption.ts';
import { bold, printJson, say } from '../terminal/output.ts';
import { startOrAttach, type Planned } from './attach.ts';
import { finished, follow, type Followed } from './follow.ts';
import type { KnownRun, Remembered } from './known-run.ts';
import type { WaitOptions } from './wait-options.ts';

/** One command's wait for one run: it shows the progress, hears interruptions and keeps the result files. */
export class Waiting {
  readonly #options: WaitOptions;
  readonly #files: ResultFiles;
  readonly #interruption = new Interruption();
  /** What is known of the run so far. */
  #run: AskedRun;

  private constructor(id: string, options: WaitOptions) {
    this.#run = { id, tenant: 'local', gates: {} };
    this.#options = options;
    const { junit, summary, outputs, report } = options;
    this.#files = new ResultFiles({ junit, summary, outputs, report });
  }

  /** Connects and does `body`, which waits for a run. The result files tell how it ended, also when it failed.
   *  @param before is done before there is a connection. */
  static async during(
    id: string,
    options: WaitOptions,
    body: (link: Link, waiting: Waiting) => Promise<void>,
    before?: () => Promise<unknown>,
  ): Promise<void> {
    const waiting = new Waiting(id, options);
    waiting.#files.begin(waiting.#run);
    try {
      durationOf('--timeout', options.timeout);
      await before?.();
      await withTemporal((link) => body(link, waiting));
    } catch (error) {
      await waiting.#files.end(waiting.#run, aborted(error));
      throw error;
    } finally {
      waiting.#interruption.close();
    }
  }

  /** Starts the planned run, or attaches to the one of its name, and waits for it. */
  async start(link: Link, planned: Planned): Promise<void> {
    if (this.#interruption.happened) throw new CommandFailure('interrupted; nothing was started', EXIT.interrupted);
    const { run, attached, isRunning, left } = await startOrAttach(link, planned);
    if (isRunning)
      say(attached ? `run ${bold(run.id)} exists already; its progress follows` : `started run ${bold(run.id)}`);
    for (const remark of run.remarks ?? []) say(remark);
    await this.for(link, run, left);
  }

  /** Waits for a run and shows its result.
   *  @param left what is left of the run when Temporal has forgotten it: then there is nothing to wait for. */
  async for(link: Link, run: AskedRun, left: Remembered | null = null): Promise<void> {
    this.#run = run;
    this.#files.begin(run);
    const followed = left === null ? await this.#follow(link, run) : whatIsLeft(run.id, left);
    process.exitCode = followed.exitCode;
    await this.#files.end(run, followed);
    const { json } = this.#options;
    if (followed.result === null) {
      say(followed.message);
      if (json) printJson({ workflowId: run.id, status: followed.status, error: followed.message });
    } else if (json) printJson(followed.result);
    else printResult(followed.result, link.services.temporal);
  }

  #follow(link: Link, { id, tenant }: AskedRun): Promise<Followed> {
    const { onInterrupt, timeout } = this.#options;
    return follow(link, link.client.workflow.getHandle(id), {
      tenant,
      timeoutMs: durationOf('--timeout', timeout),
      interruption: this.#interruption,
      onInterrupt,
    });
  }
}

/** The outcome of a run that Temporal has forgotten. */
function whatIsLeft(id: string, { result }: Remembered): Followed {
  if (result !== null) return finished(result);
  const message =
    `Temporal has forgotten run ${id}, which ended without a result; ` +
    `\`rapt resume ${id}\` goes on from what it has`;
  return { result: null, status: 'failed', message, exitCode: EXIT.failed };
}

/** A run that is known, as `Waiting` and the result files need it. */
export const askedRun = (id: string, { tenant, config }: KnownRun): AskedRun => ({
  id,
  tenant,
  gates: config?.gates ?? {},
});
