/** ledger export: a line for each text of each release. */
import type { Command } from 'commander';
import { csvCell } from '../../../rapt/data/index.ts';
import { labelsIn, Ledger, type TextRelease } from '../../../rapt/ledger/index.ts';
import { writeWholeFile } from '../../../system/index.ts';
import { assertEnding, assertFile } from '../../options/written-files.ts';
import { printJson, say } from '../../terminal/output.ts';
import { ledgerFolder, type LedgerOptions } from './ledger-options.ts';
import { toldIn } from './ledger-words.ts';

const DESCRIPTION =
  'write a line for each text of each release: keyed digest, times, release, run, mechanism, eta, times of day';

export function addTo(ledger: Command): void {
  ledger
    .command('export')
    .description(DESCRIPTION)
    .argument('<file>', '.csv or .jsonl')
    .addHelpText('after', '\nExample: rapt ledger export ledger.csv')
    .action((file: string, _: object, command: Command) => exportTexts(command.optsWithGlobals<LedgerOptions>(), file));
}

const COLUMNS = [
  'text',
  'times',
  'release',
  'run',
  'purpose',
  'mechanism',
  'eta',
  'labels',
  'labelEpsilon',
  'labelEpsilonTold',
  'table',
  'reservedAt',
  'releasedAt',
] as const;

type Line = Readonly<Record<(typeof COLUMNS)[number], string | number | null>>;

async function exportTexts({ tenant, json }: LedgerOptions, file: string): Promise<void> {
  assertEnding('<file>', file, ['.csv', '.jsonl']);
  assertFile('<file>', file);
  const asCsv = file.endsWith('.csv');
  let count = 0;
  async function* lines(): AsyncGenerator<string> {
    if (asCsv) yield `${COLUMNS.join(',')}\r\n`;
    for await (const entry of new Ledger(ledgerFolder(tenant)).texts()) {
      count++;
      const line = lineOf(entry);
      yield asCsv ? csvLine(line) : `${JSON.stringify(line)}\n`;
    }
  }
  await writeWholeFile(file, lines());
  if (json) printJson({ file, lines: count });
  else say(`${count} lines are in ${file}`);
}

const csvLine = (line: Line): string => `${COLUMNS.map((column) => csvCell(String(line[column] ?? ''))).join(',')}\r\n`;

function lineOf({ digest, release, times }: { digest: bigint } & TextRelease): Line {
  const { localKey, run, purpose, mechanism, eta, labelEpsilon, table, reservedAt, released } = release;
  return {
    text: digest.toString(16).padStart(16, '0'),
    times,
    release: released?.digest ?? localKey,
    run,
    purpose,
    mechanism,
    eta,
    labels: labelsIn(release),
    labelEpsilon,
    labelEpsilonTold: toldIn(release),
    table,
    reservedAt,
    releasedAt: released?.at ?? null,
  };
}
