/** report: a finished run's report. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { readRunRecord } from '../../activities/client/records/run-record.ts';
import { BadInput } from '../../contracts/index.ts';
import { clientHome } from '../../rapt/home.ts';
import { assertFile } from '../options/written-files.ts';
import { tenantOfRun } from '../runs/known-run.ts';
import { readReport, REPORT_FORMATS as FORMATS } from '../stored-report.ts';
import { print, printJson, say } from '../terminal/output.ts';

interface ReportOptions {
  readonly run: string;
  readonly tenant?: string;
  readonly format?: string;
  readonly out?: string;
  readonly json?: true;
}

const HELP = `
The page needs nothing beside it: it can be mailed, printed and opened without a network.
Examples: rapt report --run nightly
          rapt report --run nightly --format md --out nightly.md
          rapt report --run nightly --format json | jq .metrics.accuracy`;

export function addTo(program: Command): void {
  program
    .command('report')
    .description('where the report of a finished run lies, or the report itself')
    .requiredOption('--run <id>', 'a finished run of this client')
    .option('--format <name>', `${FORMATS.join(', ')}: print it`)
    .option('--out <file>', 'with --format: write it into this file')
    .option('--tenant <name>', "default: the run's")
    .option('--json', 'print where it lies as one JSON object')
    .addHelpText('after', HELP)
    .action(showReport);
}

async function showReport({ run, tenant, format, out, json }: ReportOptions): Promise<void> {
  if (out !== undefined && format === undefined)
    throw new BadInput([{ where: '--out', problem: 'needs --format, which says what is to be written' }]);
  if (format !== undefined && json)
    throw new BadInput([{ where: '--json', problem: 'tells where the report lies; give either this or --format' }]);
  assertFile('--out', out, { inPlace: true });
  const owner = tenantOfRun(run, tenant);
  if (format === undefined) {
    const { report } = readRunRecord(clientHome(), owner, run).result;
    if (json) printJson(report);
    else print(`${report.path}\n${report.uri}`);
    return;
  }
  const wanted = FORMATS.find((one) => one === format);
  if (wanted === undefined)
    throw new BadInput([{ where: '--format', problem: `must be one of ${FORMATS.join(', ')}, not "${format}"` }]);
  const content = (await readReport(owner, run, wanted)).toString('utf8');
  if (out === undefined) print(content.trimEnd());
  else {
    writeFileSync(out, content);
    say(`the report is in ${resolve(out)}`);
  }
}
