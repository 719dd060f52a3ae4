/** Starting runs and waiting for them: what `run`, `watch`, `resume` and `extend` have in common. */
import { Option, type Command } from 'commander';
import { BadInput } from '../../contracts/index.ts';
import { startOrAttach, type Planned } from './attach.ts';
import { aborted, type AskedRun } from '../ci/outcome.ts';
import { ResultFiles, type FilePaths } from '../ci/files.ts';
import { CommandFailure, EXIT } from '../terminal/exit-codes.ts';
import { finished, follow, type Followed } from './follow.ts';
import { Interruption, type OnInterrupt } from '../terminal/interruption.ts';
import type { KnownRun, Remembered } from './known-run.ts';
import { durationOf } from '../options/values.ts';
import { bold, printJson, say } from '../terminal/output.ts';
import { printResult } from '../result-table.ts';
import { withTemporal, type Link } from '../temporal/connection.ts';

export interface WaitOptions extends FilePaths {
  readonly wait?: true;
  readonly timeout?: string;
  readonly onInterrupt: OnInterrupt;
  readonly json?: true;
}

/** Options that say how a command waits, and what it tells then. */
export function addWaitOptions(command: Command): Command {
  return command
    .option(
      '--timeout <duration>',
      'stop waiting after this time, such as 90m or 2h, with exit code 4; the run goes on',
    )
    .addOption(
      new Option(
        '--on-interrupt <what>',
        'when this command is interrupted while it waits: cancel the run, or leave it running',
      )
        .choices(['cancel', 'leave'])
        .default('leave'),
    )
    .option('--json', 'print one JSON object on stdout')
    .option('--junit <file>', 'write JUnit XML, with a test case for the run and for each gate')
    .option('--summary <file>', 'write the result in Markdown, as GitHub and GitLab show it')
    .option(
      '--outputs <file>',
      'add lines name=value: GitHub reads them as outputs of the step, GitLab as a dotenv report',
    )
    .option('--report <file>', 'write a copy of the HTML report');
}

/** How one command waits. */
export class Waiting {
  readonly #options: WaitOptions;
  readonly #files: ResultFiles;
  readonly #interruption = new Interruption();
  /** What is known of the run by now. */
  #run: AskedRun;

  private constructor(id: string, options: WaitOptions) {
    this.#run = { id, tenant: 'local', gates: {} };
    this.#options = options;
    const { junit, summary, outputs, report } = options;
    this.#files = new ResultFiles({ junit, summary, outputs, report });
  }

  /** Does what ends with waiting for a run. However it ends, the files tell.
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

  async start(link: Link, planned: Planned): Promise<void> {
    if (this.#interruption.happened) throw new CommandFailure('interrupted; nothing was started', EXIT.interrupted);
    const { run, attached, isRunning, left } = await startOrAttach(link, planned);
    if (isRunning)
      say(attached ? `run ${bold(run.id)} exists already; its progress follows` : `started run ${bold(run.id)}`);
    for (const remark of run.remarks ?? []) say(remark);
    await this.for(link, run, left);
  }

  /** @param left what is left of it when Temporal has forgotten it. */
  async for(link: Link, run: AskedRun, left: Remembered | null = null): Promise<void> {
    this.#run = run;
    this.#files.begin(run);
    const { json, onInterrupt, timeout } = this.#options;
    const { id, tenant } = run;
    const followed =
      left === null
        ? await follow(link, link.client.workflow.getHandle(id), {
            tenant,
            timeoutMs: durationOf('--timeout', timeout),
            interruption: this.#interruption,
            onInterrupt,
          })
        : whatIsLeft(id, left);
    process.exitCode = followed.exitCode;
    await this.#files.end(run, followed);
    if (followed.result === null) {
      say(followed.message);
      if (json) printJson({ workflowId: id, status: followed.status, error: followed.message });
    } else if (json) printJson(followed.result);
    else printResult(followed.result, link.services.temporal.uiUrl);
  }
}

function whatIsLeft(id: string, { result }: Remembered): Followed {
  if (result !== null) return finished(result);
  const message =
    `Temporal has forgotten run ${id}, which ended without a ` +
    `result; \`rapt resume ${id}\` goes on from what it has`;
  return { result: null, status: 'failed', message, exitCode: EXIT.failed };
}

/** A run as those who wait for it have to know it. */
export const askedRun = (id: string, { tenant, config }: KnownRun): AskedRun => ({
  id,
  tenant,
  gates: config?.gates ?? {},
});

/** What is told only at a run's end is of no use to a command that does not wait for it. @throws BadInput */
export function refuseUnlessWaiting({ junit, summary, outputs, report }: FilePaths): void {
  const given = Object.entries({ junit, summary, outputs, report }).flatMap(([name, value]) =>
    value === undefined ? [] : [name],
  );
  if (given.length > 0)
    throw new BadInput(
      given.map((name) => ({ where: `--${name}`, problem: 'is written when the run has ended; give --wait too' })),
    );
}
