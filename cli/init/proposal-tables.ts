/** A proposal for a terminal: the table's columns, its classes, and what the run will cost. */
import { percent, table } from '../terminal/output.ts';
import type { Proposal } from './proposal.ts';
import { gibibytes, majority, minutes, rateInWords } from './proposal-words.ts';

export function proposalTables(proposal: Proposal): string {
  const { classes, notes } = proposal;
  const parts = [
    columnTable(proposal),
    table([['class', 'rows'], ...classes.map(({ name, rows }) => [name, String(rows)])]),
    factTable(proposal),
  ];
  if (notes.length > 0) parts.push(notes.map((note) => `note: ${note}`).join('\n'));
  return parts.join('\n\n');
}

const columnTable = ({ columns, unusable, repeated, proposed }: Proposal): string =>
  table([
    ['column', 'used as', 'empty', 'different', 'words'],
    ...columns.map(({ name, empty, distinct, meanWords }) => [
      name,
      roleOf(name, proposed),
      String(empty),
      distinct === null ? 'over 1000' : String(distinct),
      meanWords.toFixed(1),
    ]),
    ...unusable.map((name) => [name, 'holds lists or objects']),
    ...repeated.map((name) => [name, 'is the name of several columns']),
  ]);

function roleOf(name: string, { text, pair, label, otherTexts }: Proposal['proposed']): string {
  if (name === text) return 'text';
  if (name === pair) return 'second text';
  if (name === label) return 'label';
  return otherTexts.includes(name) ? 'looks like texts too' : '';
}

function factTable(proposal: Proposal): string {
  const { classes, lengths, cut, etas, cost, config } = proposal;
  const { p05, p50, p95, p99, most } = lengths;
  const [{ eta, unchanged } = { eta: 0, unchanged: 0 }] = etas;
  return table([
    ['rows', rowsInWords(proposal)],
    ['majority rate', percent(majority(classes))],
    ['tokens of a row', `${p05} / ${p50} / ${p95} / ${p99} (5 / 50 / 95 / 99 %), longest ${most}`],
    ['unknown tokens', unknownInWords(proposal)],
    ['maxTokens', `${config.data.maxTokens}; ${cut} rows are cut`],
    ['repeated texts', repeatedInWords(proposal)],
    ['mechanism', `exponential, eta ${eta}: ${percent(unchanged)} of the vocabulary's tokens stay themselves`],
    ['leaves', `${cost.tokens} tokens, privatized`],
    ['spends', spendingInWords(proposal)],
    ['training', trainingInWords(proposal)],
  ]);
}

function rowsInWords({ rows: { train, test, empty } }: Proposal): string {
  const used = `${train} to train on, ${test} held out`;
  return empty === 0 ? used : `${used}, ${empty} empty ones passed over`;
}

function unknownInWords({ unknownRate, withoutTokens }: Proposal): string {
  const share = `${percent(unknownRate)} of them`;
  if (withoutTokens === 0) return share;
  return `${share}; ${withoutTokens} ${withoutTokens === 1 ? 'row has' : 'rows have'} no token at all`;
}

const repeatedInWords = ({ duplicates: { texts, most } }: Proposal): string =>
  texts === 0 ? 'none' : `${texts}, one of them ${most} times: a text is released each time`;

function spendingInWords({ cost: { etaOfText, etaOfTenant, spentBefore, budgetOfTenant } }: Proposal): string {
  const spent = spentBefore === null ? 'everything' : `eta ${Number(spentBefore.toPrecision(6))}`;
  const budget = budgetOfTenant === null ? '' : ` of ${budgetOfTenant}`;
  const before = spentBefore === 0 ? '' : '; texts that left before under these settings cost nothing';
  const each = `eta ${etaOfText} of each text, eta ${etaOfTenant} of the tenant's`;
  return `${each}, which has spent ${spent}${budget}${before}`;
}

function trainingInWords({ cost }: Proposal): string {
  const time = `${cost.steps} steps, about ${minutes(cost.minutes)}, ${rateInWords(cost.rate)}`;
  return `${time}; a step takes about ${gibibytes(cost.stepBytes)} of memory`;
}
