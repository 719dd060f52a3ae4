/** export: a run's adapter in a folder. */
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { readTunedAdapter } from '../../activities/client/records/run-record.ts';
import { ADAPTER_FILES } from '../../contracts/index.ts';
import { clientHome } from '../../rapt/home.ts';
import { resolveStore } from '../../settings/index.ts';
import { makeFolder } from '../../system/index.ts';
import { assertFolder } from '../options/written-files.ts';
import { tenantOfRun } from '../runs/known-run.ts';
import { printJson, say } from '../terminal/output.ts';

interface ExportOptions {
  readonly run: string;
  readonly out: string;
  readonly tenant?: string;
  readonly json?: true;
}

export function addTo(program: Command): void {
  program
    .command('export')
    .description("write a run's adapter into a folder, as Hugging Face PEFT lays it out, with its head beside it")
    .requiredOption('--run <id>', 'a finished run of this client, or an imported adapter')
    .requiredOption('--out <folder>', 'made if need be')
    .option('--tenant <name>', "default: the run's")
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt export --run nightly --out adapter')
    .action(exportAdapter);
}

async function exportAdapter({ run, out, tenant, json }: ExportOptions): Promise<void> {
  assertFolder('--out', out);
  const owner = tenantOfRun(run, tenant);
  const { adapter } = readTunedAdapter(clientHome(), owner, run);
  const { createMinioStore } = await import('../../storage/index.ts');
  const store = createMinioStore(resolveStore({ kind: 'client', tenant: owner }));
  makeFolder(out);
  for (const file of ADAPTER_FILES) await store.getToFile(adapter.files[file], join(out, file));
  if (json) printJson({ folder: resolve(out), sha256: adapter.digest, files: ADAPTER_FILES });
  else say(`adapter ${adapter.digest} is in ${resolve(out)}`);
}
