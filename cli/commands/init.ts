/** init: from a table to a configuration. */
import { existsSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { BadInput, DEFAULT_BACKBONE } from '../../contracts/index.ts';
import { proposalTables } from '../init/proposal-tables.ts';
import { tuningFile } from '../init/tuning-file.ts';
import { TABLE_FORMATS } from '../options/common-options.ts';
import { rateOf, tenantNameOf } from '../options/values.ts';
import { assertFile } from '../options/written-files.ts';
import { print, printJson, say } from '../terminal/output.ts';

interface InitOptions {
  readonly out: string;
  readonly force?: true;
  readonly textColumn?: string;
  readonly pairColumn?: string;
  readonly labelColumn?: string;
  readonly unchanged: string;
  readonly backbone: string;
  readonly tenant: string;
  readonly json?: true;
}

const DESCRIPTION =
  'look a table over, and write a configuration for it with what it will cost; ' +
  'no server is needed, nothing is released';
const HELP = `
Of the content, only the names of the classes are shown.
Example: rapt init reviews.csv && rapt run -f tuning.yaml --wait`;

export function addTo(program: Command): void {
  program
    .command('init')
    .description(DESCRIPTION)
    .argument('<file>', TABLE_FORMATS)
    .option('--out <file>', 'the configuration', 'tuning.yaml')
    .option('--force', 'replace a configuration that is there')
    .option('--text-column <name>', 'default: the one that looks most like texts')
    .option('--pair-column <name>', 'second text of a pair task')
    .option('--label-column <name>', 'default: the one that looks most like labels')
    .option('--unchanged <rate>', "share of the vocabulary's tokens that is to stay itself", '0.5')
    .option('--backbone <name>', 'model folder, or name', DEFAULT_BACKBONE)
    .option('--tenant <name>', 'in whose name it will run', 'local')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(init);
}

async function init(file: string, options: InitOptions): Promise<void> {
  const { out, force, textColumn: text, pairColumn: pair, labelColumn: label, backbone, json } = options;
  const tenant = tenantNameOf('--tenant', options.tenant);
  const unchanged = rateOf('--unchanged', options.unchanged)!;
  if (!force && existsSync(out)) throw exists(out);
  assertFile('--out', out, { inPlace: true });
  const { proposeRun } = await import('../init/proposal.ts');
  const chosen = {
    ...(text === undefined ? {} : { text }),
    ...(pair === undefined ? {} : { pair }),
    ...(label === undefined ? {} : { label }),
  };
  const proposal = await proposeRun({ file, chosen, backbone, tenant, unchanged });
  writeNew(out, tuningFile(proposal, out), force === true);
  if (json) printJson({ out, ...proposal });
  else {
    print(proposalTables(proposal));
    say(`\n${out} is written; look it over, then: rapt run -f ${out} --wait`);
  }
}

const exists = (out: string): BadInput =>
  new BadInput([{ where: out, problem: 'exists; give --force to replace it, or another name by --out' }]);

function writeNew(out: string, content: string, replace: boolean): void {
  try {
    writeFileSync(out, content, { flag: replace ? 'w' : 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw exists(out);
    throw new BadInput([{ where: out, problem: `cannot be written (${code ?? 'unknown reason'})` }]);
  }
}
