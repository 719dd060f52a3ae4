/** ledger: what left this client, text by text, and how much may still leave. */
import type { Command } from 'commander';
import { BadInput, budgetSchema, type Budget } from '../../contracts/index.ts';
import { resolveStore } from '../../settings/index.ts';
import { clientHome, tenantFolder as folderOf } from '../../rapt/home.ts';
import { csvCell, readTable } from '../../rapt/data/index.ts';
import {
  clientSecret,
  digestOfText,
  labelsIn,
  Ledger,
  readBudget,
  tenantSpent,
  writeBudget,
  type LedgerRelease,
  type TextRelease,
} from '../../rapt/ledger/index.ts';
import { makeFolder, writeWholeFile } from '../../system/index.ts';
import { print, printJson, say, table } from '../terminal/output.ts';
import { assertEnding, assertFile } from '../options/written-files.ts';

const tenantFolder = (tenant: string): string => folderOf(clientHome(), tenant);

interface LedgerOptions {
  tenant: string;
  text?: string;
  in?: string;
  textColumn: string;
  json?: true;
}

interface BudgetOptions {
  perText?: string;
  perTenant?: string;
  labels?: string;
}

export function addTo(program: Command): void {
  const ledger = program
    .command('ledger')
    .description('what left this client: releases, what each text has spent, budgets')
    .option('--tenant <name>', 'whose ledger', 'local')
    .option('--text <text>', 'the releases that this text was in')
    .option('--in <file>', "what each of a table's texts has spent, row by row")
    .option('--text-column <name>', 'column of that table', 'text')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExample: rapt ledger\n         rapt ledger --text "the minutes of our meeting"\n         rapt ledger ' +
        'budget --per-text 28',
    )
    .action((options: LedgerOptions) => {
      if (options.text !== undefined) return showText(options, options.text);
      return options.in === undefined ? showReleases(options) : showTable(options, options.in);
    });
  ledger
    .command('export')
    .description(
      'write a line for each text of each release: keyed digest, times, release, run, mechanism, eta, times of day',
    )
    .argument('<file>', '.csv or .jsonl')
    .addHelpText('after', '\nExample: rapt ledger export ledger.csv')
    .action((file: string, _: object, command: Command) => exportTexts(command.optsWithGlobals<LedgerOptions>(), file));
  ledger
    .command('budget')
    .description('show or set how much may be spent; it holds for every run on this client, whoever starts it')
    .option('--per-text <eta>', 'largest sum of eta over the releases of one text; "none" lifts it')
    .option('--per-tenant <eta>', 'largest sum of eta over all of the tenant\'s releases; "none" lifts it')
    .option('--labels <epsilon>', 'largest sum of label epsilons on the label of one text; "none" lifts it')
    .addHelpText(
      'after',
      '\nLabels that leave as they are (no privacy.labelEpsilon) exceed any budget of labels.\nExample: rapt ' +
        'ledger budget --per-text 28 --per-tenant none --labels 3',
    )
    .action((options: BudgetOptions, command: Command) => setBudget(command.optsWithGlobals<LedgerOptions>(), options));
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
  ledger
    .command('adopt')
    .description("let this client release a tenant's texts, which another client has released before")
    .addHelpText(
      'after',
      `\n${ADOPTED}\nTo move with the ledger, copy the folder of the tenant in the other client's home to this ` +
        "one's instead.\nExample: rapt ledger adopt --tenant acme",
    )
    .action((_: object, command: Command) => adopt(command.optsWithGlobals<LedgerOptions>()));
}

const ADOPTED = [
  "What the other client has released is not in this one's ledger: no budget counts it, and texts that left there " +
    'are drawn a second time here,',
  'which adds to what is known of them. From now on the other client is refused.',
].join('\n');

async function adopt({ tenant, json }: LedgerOptions): Promise<void> {
  const { adoptTenant } = await import('../../activities/client/index.ts');
  const { createMinioStore } = await import('../../storage/index.ts');
  const adopted = await adoptTenant(
    { store: createMinioStore(resolveStore({ kind: 'client', tenant })), home: clientHome() },
    tenant,
  );
  if (json) printJson({ tenant, adopted });
  else
    say(
      adopted
        ? `tenant ${tenant} is this client's now. ${ADOPTED}`
        : `tenant ${tenant} is this client's; no other has released its texts`,
    );
}

async function showReleases({ tenant, json }: LedgerOptions): Promise<void> {
  const releases = await new Ledger(tenantFolder(tenant)).releases();
  const budget = readBudget(tenantFolder(tenant));
  const spent = tenantSpent(releases);
  if (json) {
    printJson({ tenant, budget, spent: finite(spent), releases });
    return;
  }
  if (releases.length === 0) print(`nothing of tenant ${tenant} has left this client`);
  else print(table([HEAD, ...releases.map(rowOf)]));
  print(
    '\nspent on a text that was in every release: ' +
      `${eta(spent)}${ofBudget(budget.perTenant)}${
        budget.perText === undefined ? '' : '; budget of each text: eta ' + `${budget.perText}`
      }${budget.labels === undefined ? '' : '; budget of each label: ' + `epsilon ${budget.labels}`}`,
  );
}

async function showText({ tenant, json }: LedgerOptions, text: string): Promise<void> {
  const ledger = new Ledger(tenantFolder(tenant));
  const digest = digestOfText(text, await clientSecret(tenantFolder(tenant)));
  const history = await ledger.historyOf(digest);
  const { perText, labels } = readBudget(tenantFolder(tenant));
  const spent = history.reduce((sum, { release, times }) => sum + (release.eta ?? Infinity) * times, 0);
  const spentOnLabel = (await ledger.spentOnLabels(BigUint64Array.of(digest)))[0]!;
  if (json) {
    printJson({
      spent: finite(spent),
      budget: perText ?? null,
      spentOnLabel: finite(spentOnLabel),
      labelBudget: labels ?? null,
      releases: history.map(({ release, times }) => ({ ...release, times })),
    });
    return;
  }
  if (history.length === 0) {
    print('this text has not left this client');
    return;
  }
  print(table([[...HEAD, 'times'], ...history.map(({ release, times }) => [...rowOf(release), String(times)])]));
  print(`\nspent on this text: ${eta(spent)}${ofBudget(perText)}`);
  print(`spent on its label: ${epsilon(spentOnLabel)}${ofBudget(labels)}`);
}

/** Rows are named by their number, so that a person finds those that have nothing left. */
async function showTable({ tenant, json, textColumn }: LedgerOptions, file: string): Promise<void> {
  const secret = await clientSecret(tenantFolder(tenant));
  const rows: { row: number; digest: bigint }[] = [];
  for await (const { number, text } of readTable(file, { text: textColumn }))
    rows.push({ row: number, digest: digestOfText(text, secret) });
  const digests = new BigUint64Array(new Set(rows.map(({ digest }) => digest)).size);
  [...new Set(rows.map(({ digest }) => digest))].forEach((digest, at) => (digests[at] = digest));
  digests.sort();
  const ledger = new Ledger(tenantFolder(tenant));
  const spent = await ledger.spent(digests);
  const onLabels = await ledger.spentOnLabels(digests);
  const places = new Map(Array.from(digests, (digest, place) => [digest, place]));
  const answer = rows.map(({ row, digest }) => ({
    row,
    spent: finite(spent[places.get(digest)!]!),
    spentOnLabel: finite(onLabels[places.get(digest)!]!),
  }));
  const { perText, labels } = readBudget(tenantFolder(tenant));
  if (json) {
    printJson({ budget: perText ?? null, labelBudget: labels ?? null, rows: answer });
    return;
  }
  print('row,spent,spentOnLabel');
  for (const { row, spent: sum, spentOnLabel } of answer)
    print(`${row},${sum ?? 'everything'},${spentOnLabel ?? 'everything'}`);
}

async function exportTexts({ tenant, json }: LedgerOptions, file: string): Promise<void> {
  assertEnding('<file>', file, ['.csv', '.jsonl']);
  assertFile('<file>', file);
  const asCsv = file.endsWith('.csv');
  const columns = [
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
  let count = 0;
  async function* lines(): AsyncGenerator<string> {
    if (asCsv) yield `${columns.join(',')}\r\n`;
    for await (const entry of new Ledger(tenantFolder(tenant)).texts()) {
      count++;
      const line = lineOf(entry);
      yield asCsv
        ? `${columns.map((column) => csvCell(String(line[column] ?? ''))).join(',')}\r\n`
        : `${JSON.stringify(line)}\n`;
    }
  }
  await writeWholeFile(file, lines());
  if (json) printJson({ file, lines: count });
  else say(`${count} lines are in ${file}`);
}

function lineOf({ digest, release, times }: { digest: bigint } & TextRelease): Record<string, string | number | null> {
  const { localKey, run, purpose, mechanism, eta: each, labelEpsilon, table: phi, reservedAt, released } = release;
  return {
    text: digest.toString(16).padStart(16, '0'),
    times,
    release: released?.digest ?? localKey,
    run,
    purpose,
    mechanism,
    eta: each,
    labels: labelsIn(release),
    labelEpsilon,
    labelEpsilonTold: toldIn(release),
    table: phi,
    reservedAt,
    releasedAt: released?.at ?? null,
  };
}

async function setBudget(
  { tenant, json }: LedgerOptions,
  { perText, perTenant, labels }: BudgetOptions,
): Promise<void> {
  const folder = tenantFolder(tenant);
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

function limit(name: keyof Budget, option: string, text: string | undefined, before: Budget): Budget {
  if (text === undefined) return before[name] === undefined ? {} : { [name]: before[name] };
  if (text === 'none') return {};
  const parsed = budgetSchema.safeParse({ [name]: Number(text) });
  if (!parsed.success)
    throw new BadInput([{ where: option, problem: `must be a positive number or "none", not "${text}"` }]);
  return parsed.data;
}

const HEAD = ['release', 'when', 'for run', 'as', 'mechanism', 'eta', 'labels', 'texts', 'state'];
const rowOf = (release: LedgerRelease): string[] => {
  const { localKey, reservedAt, run, purpose, mechanism, eta: each, texts, most, takesOver, released } = release;
  return [
    localKey,
    (released?.at ?? reservedAt).slice(0, 16).replace('T', ' '),
    run,
    purpose + (release.public === true ? ', public' : ''),
    mechanism,
    each === null ? '-' : String(each),
    labelsOf(release),
    (most > 1 ? `${texts}, up to ${most} alike` : String(texts)) + (takesOver === undefined ? '' : ', new'),
    released === null ? 'reserved, has not left' : 'left',
  ];
};

function labelsOf(release: LedgerRelease): string {
  const { labels, labelEpsilon, labelsAgain = 0, purpose } = release;
  const told = toldIn(release);
  const left =
    labels === undefined && purpose === 'file'
      ? 'unknown'
      : { none: '-', plain: 'as they are', drawn: `epsilon ${labelEpsilon}` }[labelsIn(release)];
  return left + (told === null ? '' : `, ${told} told`) + (labelsAgain > 0 ? `, ${labelsAgain} again` : '');
}

/** Sum of the epsilons of figures about a release's labels. */
const toldIn = ({ told }: LedgerRelease): number | null =>
  told === undefined ? null : Number(told.reduce((sum, figure) => sum + figure.epsilon, 0).toPrecision(6));
const eta = (sum: number): string =>
  sum === Infinity ? 'everything, since it left as it is' : `eta ${Number(sum.toPrecision(6))}`;
const epsilon = (sum: number): string =>
  sum === Infinity ? 'everything, since it may have left as it is' : `epsilon ${Number(sum.toPrecision(6))}`;
const finite = (sum: number): number | null => (sum === Infinity ? null : sum);
const ofBudget = (budget: number | undefined): string => (budget === undefined ? '' : ` of ${budget}`);
