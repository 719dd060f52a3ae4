/** ledger: what left this client, text by text, and how much may still leave. */
import type { Command } from 'commander';
import { addTo as addAdopt } from './ledger/adopt.ts';
import { addTo as addBudget } from './ledger/budget.ts';
import { addTo as addDrop } from './ledger/drop.ts';
import { addTo as addExport } from './ledger/export.ts';
import type { LedgerOptions } from './ledger/ledger-options.ts';
import { showReleases, showTable, showText } from './ledger/views.ts';

interface ShowOptions extends LedgerOptions {
  readonly text?: string;
  readonly in?: string;
  readonly textColumn: string;
}

const HELP = `
Example: rapt ledger
         rapt ledger --text "the minutes of our meeting"
         rapt ledger budget --per-text 28`;

export function addTo(program: Command): void {
  const ledger = program
    .command('ledger')
    .description('what left this client: releases, what each text has spent, budgets')
    .option('--tenant <name>', 'whose ledger', 'local')
    .option('--text <text>', 'the releases that this text was in')
    .option('--in <file>', "what each of a table's texts has spent, row by row")
    .option('--text-column <name>', 'column of that table', 'text')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(show);
  for (const addChild of [addExport, addBudget, addDrop, addAdopt]) addChild(ledger);
}

function show({ text, in: table, textColumn, ...options }: ShowOptions): Promise<void> {
  if (text !== undefined) return showText(options, text);
  return table === undefined ? showReleases(options) : showTable(options, table, textColumn);
}
