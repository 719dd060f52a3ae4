/** report, export: what is left of a finished run. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { makeFolder } from '../../system/index.ts';
import { readRunRecord, readTunedAdapter } from '../../activities/client/run-record.ts';
import { ADAPTER_FILES, BadInput } from '../../contracts/index.ts';
import { resolveStore } from '../../settings/index.ts';
import { clientHome } from '../../rapt/home.ts';
import { tenantOfRun } from '../runs/known-run.ts';
import { print, printJson, say } from '../terminal/output.ts';
import { assertFile, assertFolder } from '../options/written-files.ts';
import { readReport, REPORT_FORMATS as FORMATS } from '../stored-report.ts';

interface ReportOptions {
  run: string;
  tenant?: string;
  format?: string;
  out?: string;
  json?: true;
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

export function addResultCommands(program: Command): void {
  program
    .command('report')
    .description('where the report of a finished run lies, or the report itself')
    .requiredOption('--run <id>', 'a finished run of this client')
    .option('--format <name>', `${FORMATS.join(', ')}: print it`)
    .option('--out <file>', 'with --format: write it into this file')
    .option('--tenant <name>', "default: the run's")
    .option('--json', 'print where it lies as one JSON object')
    .addHelpText(
      'after',
      '\nThe page needs nothing beside it: it can be mailed, printed and opened without a network.\nExamples: rapt ' +
        'report --run nightly\n          rapt report --run nightly --format md --out nightly.md\n          rapt ' +
        'report --run nightly --format json | jq .metrics.accuracy',
    )
    .action(showReport);

  program
    .command('export')
    .description("write a run's adapter into a folder, as Hugging Face PEFT lays it out, with its head beside it")
    .requiredOption('--run <id>', 'a finished run of this client, or an imported adapter')
    .requiredOption('--out <folder>', 'made if need be')
    .option('--tenant <name>', "default: the run's")
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt export --run nightly --out adapter')
    .action(async ({ run, out, tenant, json }: { run: string; out: string; tenant?: string; json?: true }) => {
      assertFolder('--out', out);
      const owner = tenantOfRun(run, tenant);
      const { adapter } = readTunedAdapter(clientHome(), owner, run);
      const { createMinioStore } = await import('../../storage/index.ts');
      const store = createMinioStore(resolveStore({ kind: 'client', tenant: owner }));
      makeFolder(out);
      for (const file of ADAPTER_FILES) await store.getToFile(adapter.files[file], join(out, file));
      if (json) printJson({ folder: resolve(out), sha256: adapter.digest, files: ADAPTER_FILES });
      else say(`adapter ${adapter.digest} is in ${resolve(out)}`);
    });
}
