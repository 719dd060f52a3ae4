/** ledger budget: how much may be spent. */
import type { Command } from 'commander';
import { BadInput, budgetSchema, type Budget } from '../../../contracts/index.ts';
import { readBudget, writeBudget } from '../../../rapt/ledger/index.ts';
import { makeFolder } from '../../../system/index.ts';
import { print, printJson, table } from '../../terminal/output.ts';
import { ledgerFolder, type LedgerOptions } from './ledger-options.ts';

interface BudgetOptions {
  readonly perText?: string;
  readonly perTenant?: string;
  readonly labels?: string;
}

const HELP = `
Labels that leave as they are (no privacy.labelEpsilon) exceed any budget of labels.
Example: rapt ledger budget --per-text 28 --per-tenant none --labels 3`;

export function addTo(ledger: Command): void {
  ledger
    .command('budget')
    .description('show or set how much may be spent; it holds for every run on this client, whoever starts it')
    .option('--per-text <eta>', 'largest sum of eta over the releases of one text; "none" lifts it')
    .option('--per-tenant <eta>', 'largest sum of eta over all of the tenant\'s releases; "none" lifts it')
    .option('--labels <epsilon>', 'largest sum of label epsilons on the label of one text; "none" lifts it')
    .addHelpText('after', HELP)
    .action((options: BudgetOptions, command: Command) => setBudget(command.optsWithGlobals<LedgerOptions>(), options));
}

async function setBudget(
  { tenant, json }: LedgerOptions,
  { perText, perTenant, labels }: BudgetOptions,
): Promise<void> {
  const folder = ledgerFolder(tenant);
  const before = readBudget(folder);
  if (perText !== undefined || perTenant !== undefined || labels !== undefined) {
    makeFolder(folder, 0o700);
    await writeBudget(folder, {
      ...limit('perText', '--per-text', perText, before),
      ...limit('perTenant', '--per-tenant', perTenant, before),
      ...limit('labels', '--labels', labels, before),
    });
  }
  const budget = readBudget(folder);
  if (json) {
    printJson({ tenant, budget });
    return;
  }
  const words = (unit: string, largest: number | undefined): string =>
    largest === undefined ? 'not limited' : `${unit} ${largest}`;
  print(
    table([
      ['a text', words('eta', budget.perText)],
      [`tenant ${tenant}`, words('eta', budget.perTenant)],
      ['the label of a text', words('epsilon', budget.labels)],
    ]),
  );
}

/** One limit as the option gives it; without the option, as it was before. */
function limit(name: keyof Budget, option: string, text: string | undefined, before: Budget): Budget {
  if (text === undefined) return before[name] === undefined ? {} : { [name]: before[name] };
  if (text === 'none') return {};
  const parsed = budgetSchema.safeParse({ [name]: Number(text) });
  if (!parsed.success)
    throw new BadInput([{ where: option, problem: `must be a positive number or "none", not "${text}"` }]);
  return parsed.data;
}
