/** What `rapt ledger` shows: all releases, those of one text, or what the texts of a table have spent. */
import { readTable } from '../../../rapt/data/index.ts';
import { clientSecret, digestOfText, Ledger, readBudget, tenantSpent } from '../../../rapt/ledger/index.ts';
import { print, printJson, table } from '../../terminal/output.ts';
import { ledgerFolder, type LedgerOptions } from './ledger-options.ts';
import { epsilonInWords, etaInWords, finite, ofBudget, RELEASE_HEAD, releaseRow } from './ledger-words.ts';

export async function showReleases({ tenant, json }: LedgerOptions): Promise<void> {
  const releases = await new Ledger(ledgerFolder(tenant)).releases();
  const budget = readBudget(ledgerFolder(tenant));
  const spent = tenantSpent(releases);
  if (json) {
    printJson({ tenant, budget, spent: finite(spent), releases });
    return;
  }
  if (releases.length === 0) print(`nothing of tenant ${tenant} has left this client`);
  else print(table([RELEASE_HEAD, ...releases.map(releaseRow)]));
  const told = [
    `spent on a text that was in every release: ${etaInWords(spent)}${ofBudget(budget.perTenant)}`,
    ...(budget.perText === undefined ? [] : [`budget of each text: eta ${budget.perText}`]),
    ...(budget.labels === undefined ? [] : [`budget of each label: epsilon ${budget.labels}`]),
  ];
  print(`\n${told.join('; ')}`);
}

export async function showText({ tenant, json }: LedgerOptions, text: string): Promise<void> {
  const ledger = new Ledger(ledgerFolder(tenant));
  const digest = digestOfText(text, await clientSecret(ledgerFolder(tenant)));
  const history = await ledger.historyOf(digest);
  const { perText, labels } = readBudget(ledgerFolder(tenant));
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
  const rows = history.map(({ release, times }) => [...releaseRow(release), String(times)]);
  print(table([[...RELEASE_HEAD, 'times'], ...rows]));
  print(`\nspent on this text: ${etaInWords(spent)}${ofBudget(perText)}`);
  print(`spent on its label: ${epsilonInWords(spentOnLabel)}${ofBudget(labels)}`);
}

/** Rows are named by their number, so that a person finds those that have nothing left. */
export async function showTable({ tenant, json }: LedgerOptions, file: string, textColumn: string): Promise<void> {
  const secret = await clientSecret(ledgerFolder(tenant));
  const rows: { row: number; digest: bigint }[] = [];
  for await (const { number, text } of readTable(file, { text: textColumn }))
    rows.push({ row: number, digest: digestOfText(text, secret) });
  const digests = BigUint64Array.from(new Set(rows.map(({ digest }) => digest))).sort();
  const ledger = new Ledger(ledgerFolder(tenant));
  const spent = await ledger.spent(digests);
  const onLabels = await ledger.spentOnLabels(digests);
  const places = new Map(Array.from(digests, (digest, place) => [digest, place]));
  const answer = rows.map(({ row, digest }) => {
    const place = places.get(digest)!;
    return { row, spent: finite(spent[place]!), spentOnLabel: finite(onLabels[place]!) };
  });
  const { perText, labels } = readBudget(ledgerFolder(tenant));
  if (json) {
    printJson({ budget: perText ?? null, labelBudget: labels ?? null, rows: answer });
    return;
  }
  print('row,spent,spentOnLabel');
  for (const { row, spent: sum, spentOnLabel } of answer)
    print(`${row},${sum ?? 'everything'},${spentOnLabel ?? 'everything'}`);
}
