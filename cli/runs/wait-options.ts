/** Options that say how a command waits for a run, and what it writes at the run's end. */
import { Option, type Command } from 'commander';
import { BadInput } from '../../contracts/index.ts';
import type { FilePaths } from '../ci/files.ts';
import type { OnInterrupt } from '../terminal/interruption.ts';

export interface WaitOptions extends FilePaths {
  readonly wait?: true;
  readonly timeout?: string;
  readonly onInterrupt: OnInterrupt;
  readonly json?: true;
}

const onInterruptOption = (): Option =>
  new Option(
    '--on-interrupt <what>',
    'when this command is interrupted while it waits: cancel the run, or leave it running',
  )
    .choices(['cancel', 'leave'])
    .default('leave');

export function addWaitOptions(command: Command): Command {
  return command
    .option(
      '--timeout <duration>',
      'stop waiting after this time, such as 90m or 2h, with exit code 4; the run goes on',
    )
    .addOption(onInterruptOption())
    .option('--json', 'print one JSON object on stdout')
    .option('--junit <file>', 'write JUnit XML, with a test case for the run and for each gate')
    .option('--summary <file>', 'write the result in Markdown, as GitHub and GitLab show it')
    .option(
      '--outputs <file>',
      'add lines name=value: GitHub reads them as outputs of the step, GitLab as a dotenv report',
    )
    .option('--report <file>', 'write a copy of the HTML report');
}

/** Files that are written only when the run has ended are of no use to a command that does not wait for it.
 *  @throws BadInput when one is asked for. */
export function refuseUnlessWaiting({ junit, summary, outputs, report }: FilePaths): void {
  const given = Object.entries({ junit, summary, outputs, report }).flatMap(([name, value]) =>
    value === undefined ? [] : [name],
  );
  if (given.length > 0)
    throw new BadInput(
      given.map((name) => ({ where: `--${name}`, problem: 'is written when the run has ended; give --wait too' })),
    );
}
