/** A policy for a terminal, and as JSON. */
import { labelsInWords, type Policy, type TableRule } from '../../rapt/policy/index.ts';
import { table } from '../terminal/output.ts';

/** With null for a limit that the owner has lifted. */
export function policyAsJson({ tables, backbones, budgets, answers, publicTexts }: Policy): object {
  const { perText = null, perTenant = null, labels = null } = budgets;
  return { tables, backbones, budgets: { perText, perTenant, labels }, answers, publicTexts };
}

const HEAD = ['table', 'text', 'label', 'mechanisms', 'labels', ''];
const BUILT_IN = ['movie-reviews', 'text', 'label', 'exponential, laplace', 'as they are', 'public, built in'];

export function policyTables({ tables, backbones, budgets, answers, publicTexts }: Policy): string {
  const limit = (value: number | undefined, what: string): string =>
    value === undefined ? 'not limited' : `${what} ${value}`;
  const budget = [
    `a text ${limit(budgets.perText, 'eta')}`,
    `the tenant ${limit(budgets.perTenant, 'eta')}`,
    `labels ${limit(budgets.labels, 'epsilon')}`,
  ];
  const rules = table([HEAD, BUILT_IN, ...tables.map(rowOf)]);
  const others = table([
    ['backbones', backbones.join(', ')],
    ['budget', budget.join(', ')],
    ['answers go to', answers.join(', ') || 'nowhere'],
    ['public texts', publicTexts.join(', ') || 'none'],
  ]);
  return `${rules}\n\n${others}`;
}

const rowOf = (rule: TableRule): string[] => [
  rule.name === undefined ? rule.table : `${rule.table} (table://${rule.name})`,
  [...rule.text, ...rule.pair].join(', '),
  rule.label.join(', '),
  mechanismsOf(rule),
  labelsInWords(rule.labels),
  rule.public ? 'public' : '',
];

const mechanismsOf = ({ eta, none }: TableRule): string =>
  [
    ...Object.entries(eta).map(([name, largest]) => `${name} up to ${largest}`),
    ...(none ? ['without noise'] : []),
  ].join(', ');
