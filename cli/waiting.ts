/** Starting runs and waiting for them: what `run`, `watch`, `resume` and `extend` have in common. */
import { Option, type Command } from 'commander';
import { BadInput, conditionsOf, ErrorKind, gateName, parseTuningConfig, RaptError, WORKFLOW_TYPE, type Gates, type TuningConfig } from '../contracts/index.ts';
import { aborted, type AskedRun } from './ci/outcome.ts';
import { ResultFiles, type FilePaths } from './ci/files.ts';
import { CommandFailure, EXIT } from './exit-codes.ts';
import { follow } from './follow.ts';
import { Interruption, type OnInterrupt } from './interruption.ts';
import { bold, printJson, say } from './output.ts';
import { printResult } from './result-table.ts';
import { inputOf, startOrAttach, withTemporal, type Link } from './temporal.ts';

export interface WaitOptions extends FilePaths {
  readonly wait?: true;
  readonly timeout?: string;
  readonly onInterrupt: OnInterrupt;
  readonly json?: true;
}

/** Options that say how a command waits, and what it tells then. */
export function addWaitOptions(command: Command): Command {
  return command
    .option('--timeout <duration>', 'stop waiting after this time, such as 90m or 2h, with exit code 4; the run goes on')
    .addOption(new Option('--on-interrupt <what>', 'when this command is interrupted while it waits: cancel the run, or leave it running').choices(['cancel', 'leave']).default('leave'))
    .option('--json', 'print one JSON object on stdout')
    .option('--junit <file>', 'write JUnit XML, with a test case for the run and for each gate')
    .option('--summary <file>', 'write the result in Markdown, as GitHub and GitLab show it')
    .option('--outputs <file>', 'add lines name=value: GitHub reads them as outputs of the step, GitLab as a dotenv report')
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

  /** Does what ends with waiting for a run. However it ends, the files tell. */
  static async during(id: string, options: WaitOptions, body: (link: Link, waiting: Waiting) => Promise<void>): Promise<void> {
    const waiting = new Waiting(id, options);
    waiting.#files.begin(waiting.#run);
    try {
      durationOf(options.timeout);
      await withTemporal((link) => body(link, waiting));
    } catch (error) {
      await waiting.#files.end(waiting.#run, aborted(error));
      throw error;
    } finally {
      waiting.#interruption.close();
    }
  }

  async start(link: Link, id: string, config: TuningConfig): Promise<void> {
    if (this.#interruption.happened) throw new CommandFailure('interrupted; nothing was started', EXIT.interrupted);
    const { attached } = await startOrAttach(link, WORKFLOW_TYPE.tuning, id, config);
    say(attached ? `run ${bold(id)} exists already; its progress follows` : `started run ${bold(id)}`);
    const run = attached ? await askedRun(link, id) : { id, tenant: config.tenant, gates: config.gates };
    // A job must not be taken for held against gates that nobody looks at.
    if (namesOf(run.gates) !== namesOf(config.gates)) say(`its gates are those that it was started with, not those given now: ${namesOf(run.gates)}`);
    await this.for(link, run);
  }

  async for(link: Link, run: AskedRun): Promise<void> {
    this.#run = run;
    this.#files.begin(run);
    const { json, onInterrupt, timeout } = this.#options;
    const { id, tenant } = run;
    const followed = await follow(link, link.client.workflow.getHandle(id), { tenant, timeoutMs: durationOf(timeout), interruption: this.#interruption, onInterrupt });
    process.exitCode = followed.exitCode;
    await this.#files.end(run, followed);
    if (followed.result === null) {
      say(followed.message);
      if (json) printJson({ workflowId: id, status: followed.status, error: followed.message });
    } else if (json) printJson(followed.result);
    else printResult(followed.result, link.services.temporal.uiUrl);
  }
}

const namesOf = (gates: Gates): string => conditionsOf(gates).map(({ metric, condition }) => gateName(metric, condition)).join(', ') || 'none';

/** A run by the input that it was started with. */
export async function askedRun(link: Link, id: string): Promise<AskedRun> {
  const parsed = parseTuningConfig(await inputOf(link, id));
  return { id, tenant: parsed.ok ? parsed.value.tenant : 'local', gates: parsed.ok ? parsed.value.gates : {} };
}

/** What is told only at a run's end is of no use to a command that does not wait for it. @throws BadInput */
export function refuseUnlessWaiting({ junit, summary, outputs, report }: FilePaths): void {
  const given = Object.entries({ junit, summary, outputs, report }).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (given.length > 0) throw new BadInput(given.map((name) => ({ where: `--${name}`, problem: 'is written when the run has ended; give --wait too' })));
}

/** Milliseconds of "90s", "20m" or "2h". */
function durationOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, number, unit] = /^(\d+(?:\.\d+)?)(s|m|h)$/.exec(text) ?? [];
  if (number === undefined || unit === undefined) throw new RaptError(ErrorKind.badInput, `--timeout: must be a time such as 90s, 20m or 2h, not "${text}"`);
  return Number(number) * { s: 1000, m: 60_000, h: 3_600_000 }[unit as 's' | 'm' | 'h'];
}
