/** What a rule of the policy becomes when more is to be allowed of its table, and how that is told. */
import { DEFAULT_ETA, type TuningConfig } from '../../contracts/index.ts';
import { isBuiltIn } from '../data/index.ts';
import type { TableRule } from './policy.ts';

const COLUMNS = ['text', 'pair', 'label', 'attributes'] as const;
const MECHANISMS = ['exponential', 'laplace'] as const;

/** A rule as `allow` writes it: what is left out stays as it was, or is the default. */
export type NewRule = Pick<TableRule, 'table'> & Partial<Omit<TableRule, 'table'>>;

/** The rule that a configuration needs. */
export function ruleFor({ data, privacy }: TuningConfig, eta: number | null): NewRule {
  const { mechanism, labelEpsilon } = privacy;
  return {
    table: data.train,
    text: [data.textColumn],
    pair: data.pairColumn === undefined ? [] : [data.pairColumn],
    label: [data.labelColumn],
    attributes: data.attributeColumns,
    ...(mechanism === 'none' ? { none: true } : { eta: { [mechanism]: eta ?? DEFAULT_ETA[mechanism] } }),
    ...(labelEpsilon !== undefined && { labels: labelEpsilon }),
  };
}

/** A rule of the owner's own for built-in data must not make it private. */
export const filled = (rule: NewRule): NewRule => ({
  ...rule,
  labels: rule.labels ?? 'plain',
  public: rule.public ?? isBuiltIn(rule.table),
});

/** The known rule, and what the new one allows besides. */
export function widened(known: TableRule, rule: NewRule): TableRule {
  const both = (name: (typeof COLUMNS)[number]): string[] => [...new Set([...known[name], ...(rule[name] ?? [])])];
  const larger = (name: (typeof MECHANISMS)[number]): { [mechanism: string]: number } => {
    const etas = [known.eta[name], rule.eta?.[name]].filter((eta) => eta !== undefined);
    return etas.length === 0 ? {} : { [name]: Math.max(...etas) };
  };
  return {
    ...known,
    ...rule,
    table: known.table.length > rule.table.length ? known.table : rule.table,
    text: both('text'),
    pair: both('pair'),
    label: both('label'),
    attributes: both('attributes'),
    eta: { ...larger('exponential'), ...larger('laplace') },
    none: known.none || rule.none === true,
    labels: widerLabels(known.labels, rule.labels),
  };
}

/** Labels that are protected stay so until the owner says otherwise in so many words. */
function widerLabels(known: TableRule['labels'], wanted: TableRule['labels'] = known): TableRule['labels'] {
  return known === 'plain' || wanted === 'plain' ? wanted : Math.max(known, wanted);
}

/** What is otherwise now: a line for each field, such as "eta of exponential: 7 -> 8". */
export function changesOf(known: TableRule, wanted: TableRule): string[] {
  const lines: string[] = [];
  const say = (field: string, was: string | number, is: string | number): void => {
    if (was !== is) lines.push(`${field}: ${was} -> ${is}`);
  };
  const yesOrNo = (value: boolean): string => (value ? 'yes' : 'no');
  say('table', known.table, wanted.table);
  say('name', known.name ?? 'without', wanted.name ?? 'without');
  for (const field of COLUMNS) {
    const added = wanted[field].filter((name) => !known[field].includes(name));
    if (added.length > 0) lines.push(`${field}: + ${added.join(', ')}`);
  }
  for (const mechanism of MECHANISMS)
    say(`eta of ${mechanism}`, known.eta[mechanism] ?? 'not allowed', wanted.eta[mechanism] ?? 'not allowed');
  say('none', yesOrNo(known.none), yesOrNo(wanted.none));
  say('labels', labelsInWords(known.labels), labelsInWords(wanted.labels));
  say('public', yesOrNo(known.public), yesOrNo(wanted.public));
  return lines;
}

export const labelsInWords = (labels: TableRule['labels']): string =>
  labels === 'plain' ? 'as they are' : `epsilon up to ${labels}`;
