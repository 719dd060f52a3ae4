/** ledger: what left this client, text by text, and how much may still leave. */
import type { Command } from 'commander';
import { BadInput, budgetSchema, type Budget } from '../../contracts/index.ts';
import { clientHome, tenantFolder as folderOf } from '../../rapt/home.ts';
import { csvCell, readTable } from '../../rapt/data/index.ts';
import { clientSecret, digestOfText, Ledger, readBudget, tenantSpent, writeBudget, type LedgerRelease, type TextRelease } from '../../rapt/ledger/index.ts';
import { makeFolder, writeWholeFile } from '../../system/index.ts';
import { print, printJson, say, table } from '../output.ts';
import { assertEnding, assertFile } from '../outputs.ts';

const tenantFolder = (tenant: string): string => folderOf(clientHome(), tenant);

interface LedgerOptions {
  tenant: string;
  text?: string;
  in?: string;
  textColumn: string;
  json?: true;
}

export function addLedgerCommands(program: Command): void {
  const ledger = program
    .command('ledger')
    .description('what left this client: releases, what each text has spent, budgets')
    .option('--tenant <name>', 'whose ledger', 'local')
    .option('--text <text>', 'the releases that this text was in')
    .option('--in <file>', "what each of a table's texts has spent, row by row")
    .option('--text-column <name>', 'column of that table', 'text')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt ledger\n         rapt ledger --text "the minutes of our meeting"\n         rapt ledger budget --per-text 28')
    .action((options: LedgerOptions) => {
      if (options.text !== undefined) return showText(options, options.text);
      return options.in === undefined ? showReleases(options) : showTable(options, options.in);
    });
  ledger
    .command('export')
    .description('write a line for each text of each release: keyed digest, times, release, run, mechanism, eta, times of day')
    .argument('<file>', '.csv or .jsonl')
    .addHelpText('after', '\nExample: rapt ledger export ledger.csv')
    .action((file: string, _: object, command: Command) => exportTexts(command.optsWithGlobals<LedgerOptions>(), file));
  ledger
    .command('budget')
    .description('show or set how much may be spent; it holds for every run on this client, whoever starts it')
    .option('--per-text <eta>', 'largest sum of eta over the releases of one text; "none" lifts it')
    .option('--per-tenant <eta>', "largest sum of eta over all of the tenant's releases; \"none\" lifts it")
    .addHelpText('after', '\nExample: rapt ledger budget --per-text 28 --per-tenant none')
    .action((options: { perText?: string; perTenant?: string }, command: Command) => setBudget(command.optsWithGlobals<LedgerOptions>(), options));
  ledger
    .command('drop')
    .description('take back the cost of a release that was reserved and has not left')
    .argument('<key>', 'as `rapt ledger` names it')
    .addHelpText('after', '\nExample: rapt ledger drop 0f3a5c7e9b1d2f4a6c8e0b2d4f6a8c0e')
    .action(async (key: string, _: object, command: Command) => {
      const { tenant, json } = command.optsWithGlobals<LedgerOptions>();
      await new Ledger(tenantFolder(tenant)).drop(key);
      if (json) printJson({ dropped: key });
      else say(`release ${key} costs nothing any more`);
    });
}

async function showReleases({ tenant, json }: LedgerOptions): Promise<void> {
  const releases = await new Ledger(tenantFolder(tenant)).releases();
  const budget = readBudget(tenantFolder(tenant));
  const spent = tenantSpent(releases);
  if (json) { printJson({ tenant, budget, spent: finite(spent), releases }); return; }
  if (releases.length === 0) print(`nothing of tenant ${tenant} has left this client`);
  else print(table([HEAD, ...releases.map(rowOf)]));
  print(`\nspent on a text that was in every release: ${eta(spent)}${ofBudget(budget.perTenant)}${budget.perText === undefined ? '' : `; budget of each text: eta ${budget.perText}`}`);
}

async function showText({ tenant, json }: LedgerOptions, text: string): Promise<void> {
  const history = await new Ledger(tenantFolder(tenant)).historyOf(digestOfText(text, await clientSecret(tenantFolder(tenant))));
  const { perText } = readBudget(tenantFolder(tenant));
  const spent = history.reduce((sum, { release, times }) => sum + (release.eta ?? Infinity) * times, 0);
  if (json) { printJson({ spent: finite(spent), budget: perText ?? null, releases: history.map(({ release, times }) => ({ ...release, times })) }); return; }
  if (history.length === 0) { print('this text has not left this client'); return; }
  print(table([[...HEAD, 'times'], ...history.map(({ release, times }) => [...rowOf(release), String(times)])]));
  print(`\nspent on this text: ${eta(spent)}${ofBudget(perText)}`);
}

/** Rows are named by their number, so that a person finds those that have nothing left. */
async function showTable({ tenant, json, textColumn }: LedgerOptions, file: string): Promise<void> {
  const secret = await clientSecret(tenantFolder(tenant));
  const rows: { row: number; digest: bigint }[] = [];
  for await (const { number, text } of readTable(file, { text: textColumn })) rows.push({ row: number, digest: digestOfText(text, secret) });
  const digests = new BigUint64Array(new Set(rows.map(({ digest }) => digest)).size);
  [...new Set(rows.map(({ digest }) => digest))].forEach((digest, at) => (digests[at] = digest));
  digests.sort();
  const spent = await new Ledger(tenantFolder(tenant)).spent(digests);
  const places = new Map(Array.from(digests, (digest, place) => [digest, place]));
  const answer = rows.map(({ row, digest }) => ({ row, spent: finite(spent[places.get(digest)!]!) }));
  if (json) { printJson({ budget: readBudget(tenantFolder(tenant)).perText ?? null, rows: answer }); return; }
  print('row,spent');
  for (const { row, spent: sum } of answer) print(`${row},${sum ?? 'everything'}`);
}

async function exportTexts({ tenant, json }: LedgerOptions, file: string): Promise<void> {
  assertEnding('<file>', file, ['.csv', '.jsonl']);
  assertFile('<file>', file);
  const asCsv = file.endsWith('.csv');
  const columns = ['text', 'times', 'release', 'run', 'purpose', 'mechanism', 'eta', 'labelEpsilon', 'table', 'reservedAt', 'releasedAt'] as const;
  let count = 0;
  async function* lines(): AsyncGenerator<string> {
    if (asCsv) yield `${columns.join(',')}\r\n`;
    for await (const entry of new Ledger(tenantFolder(tenant)).texts()) {
      count++;
      const line = lineOf(entry);
      yield asCsv ? `${columns.map((column) => csvCell(String(line[column] ?? ''))).join(',')}\r\n` : `${JSON.stringify(line)}\n`;
    }
  }
  await writeWholeFile(file, lines());
  if (json) printJson({ file, lines: count });
  else say(`${count} lines are in ${file}`);
}

function lineOf({ digest, release, times }: { digest: bigint } & TextRelease): Record<string, string | number | null> {
  const { localKey, run, purpose, mechanism, eta: each, labelEpsilon, table: phi, reservedAt, released } = release;
  return { text: digest.toString(16).padStart(16, '0'), times, release: released?.digest ?? localKey, run, purpose, mechanism, eta: each, labelEpsilon, table: phi, reservedAt, releasedAt: released?.at ?? null };
}

async function setBudget({ tenant, json }: LedgerOptions, { perText, perTenant }: { perText?: string; perTenant?: string }): Promise<void> {
  const folder = tenantFolder(tenant);
  const before = readBudget(folder);
  if (perText !== undefined || perTenant !== undefined) {
    makeFolder(folder, 0o700);
    await writeBudget(folder, { ...limit('perText', '--per-text', perText, before), ...limit('perTenant', '--per-tenant', perTenant, before) });
  }
  const budget = readBudget(folder);
  if (json) { printJson({ tenant, budget }); return; }
  const words = (eta: number | undefined): string => (eta === undefined ? 'not limited' : `eta ${eta}`);
  print(table([['a text', words(budget.perText)], [`tenant ${tenant}`, words(budget.perTenant)]]));
}

function limit(name: keyof Budget, option: string, text: string | undefined, before: Budget): Budget {
  if (text === undefined) return before[name] === undefined ? {} : { [name]: before[name] };
  if (text === 'none') return {};
  const parsed = budgetSchema.safeParse({ [name]: Number(text) });
  if (!parsed.success) throw new BadInput([{ where: option, problem: `must be a positive number or "none", not "${text}"` }]);
  return parsed.data;
}

const HEAD = ['release', 'when', 'for run', 'as', 'mechanism', 'eta', 'texts', 'state'];
const rowOf = ({ localKey, reservedAt, run, purpose, mechanism, eta: each, texts, most, takesOver, released }: LedgerRelease): string[] => [
  localKey,
  (released?.at ?? reservedAt).slice(0, 16).replace('T', ' '),
  run,
  purpose,
  mechanism,
  each === null ? '-' : String(each),
  (most > 1 ? `${texts}, one ${most} times` : String(texts)) + (takesOver === undefined ? '' : ', new'),
  released === null ? 'reserved, has not left' : 'left',
];
const eta = (sum: number): string => (sum === Infinity ? 'everything, since it left as it is' : `eta ${Number(sum.toPrecision(6))}`);
const finite = (sum: number): number | null => (sum === Infinity ? null : sum);
const ofBudget = (budget: number | undefined): string => (budget === undefined ? '' : ` of ${budget}`);
