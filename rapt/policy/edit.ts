/** Writing the policy: anew with its comments, or a table added to what people have written, whose comments stay. */
import { statSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { isMap, isSeq, parseDocument, type Document, type YAMLMap, type YAMLSeq } from 'yaml';
import { BadInput, DEFAULT_ETA, type TuningConfig } from '../../contracts/index.ts';
import { makeFolder, withFileLock, writeWholeFile } from '../../system/index.ts';
import { isBuiltIn } from '../data/index.ts';
import { defaultPolicy, parsePolicy, ruleOfPlace, type Policy, type TableRule } from './policy.ts';

/** A rule as `allow` writes it: what is left out stays as it was, or is the default. */
export type NewRule = Pick<TableRule, 'table'> & Partial<Omit<TableRule, 'table'>>;

interface Changed {
  readonly text: string;
  readonly policy: Policy;
}

interface ChangedRule extends Changed {
  /** What is otherwise now, in lines such as "eta of exponential: 7 -> 8". Null when the rule is a new one. */
  readonly changes: readonly string[] | null;
}

/** Changes the file while nobody else does: whoever adds a table at the same time reads what this one wrote. Readers
 *  see the old file or the new one. Where it is a link, the file that this leads to is changed.
 *  @param newText may look at what is there by `policyText`.
 *  @throws BadInput when the file cannot be written; what `newText` throws. */
export async function changePolicy(path: string, newText: () => string): Promise<void> {
  // A folder that others may write to would be theirs to rule.
  makeFolder(dirname(path), 0o700);
  await withFileLock(`${path}.lock`, async () => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory())
      throw new BadInput([{ where: path, problem: 'is a folder, and the policy is a file; move the folder away' }]);
    const text = newText();
    const beforeName = async (temporary: string): Promise<void> => {
      // A worker of another user may read it by its group.
      if (found !== undefined) await chmod(temporary, found.mode & 0o777);
    };
    await writeWholeFile(path, Readable.from([text]), { beforeName });
  });
}

/** A new policy with every field told. */
export function newPolicyText(): string {
  const { budgets, backbones } = defaultPolicy();
  return `# What may leave this machine, whoever asks for it: the Temporal UI, a CI job, a schedule, the provider.
# The client worker reads this file for each request, and refuses what it does not allow.
# A run that you start here by \`rapt run\` or \`rapt predict\` carries your own word, and needs no line here.
version: 1

# Tables by their path. A slash at the end means a folder, or a part of a bucket, and all below it.
# \`rapt policy allow -f tuning.yaml\` adds the table of a configuration, with its columns, mechanism and eta.
#
#  - table: /data/reviews.csv
#    name: reviews              # requests may then say table://reviews, and tell no path
#    text: [review]             # columns that may be privatized; also: pair
#    label: [stars]             # columns whose values leave as class names
#    attributes: []             # columns that an audit here may read; they never leave
#    mostClasses: 20            # a column of more values is no label
#    smallestClass: 5           # training rows that each class must have
#    eta: { exponential: 14 }   # the largest eta of each mechanism that may be used; also: laplace
#    none: false                # true: the texts may leave as they are
#    labels: plain              # or a number: labels leave by randomized response alone, under at most this epsilon
#    public: false              # true: the texts are nobody's secret, and do not count against the budgets
tables: []

# Models in whose embedding table distances are measured: a name, a folder, "sha256:..." of the weights, or public
# for any model of the hub.
backbones: [${backbones.join(', ')}]

# The largest sums over all releases of a text, and of one that is in every release; labels: of label epsilons.
# One that is left out is as here; none lifts it. \`rapt ledger budget\` limits your own runs as well.
budgets: { ${Object.entries(budgets)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ')} }

# Folders that answers to predictions may be written to. No file in them is overwritten.
answers: []

# Files that an audit may take for public text.
publicTexts: []
`;
}

/** Adds a rule, or widens the one of the same place. @param text of the policy; null where there is none yet.
 *  @throws BadInput when the text is no policy. */
export function withRule(text: string | null, path: string, rule: NewRule, backbone?: string): ChangedRule {
  const before = text ?? newPolicyText();
  const policy = parsePolicy(before, path);
  const known = ruleOfPlace(policy, rule.table);
  const document = parseDocument(before);
  const sequence = sequenceOf(document, 'tables');
  const changes: string[] = [];
  if (known === undefined) sequence.add(document.createNode(written(filled(rule))));
  else {
    const wanted = widened(known, rule);
    changes.push(...changesOf(known, wanted));
    widenNode(document, sequence, policy.tables.indexOf(known), known, wanted);
  }
  if (backbone !== undefined) {
    const backbones = sequenceOf(document, 'backbones');
    if (!backbones.toJSON().includes(backbone)) {
      backbones.add(document.createNode(backbone));
      changes.push(`backbones: + ${backbone}`);
    }
  }
  const after = changes.length === 0 && known !== undefined ? before : document.toString({ lineWidth: 0 });
  const changed = parsePolicy(after, path);
  const isOther = (one: TableRule, index: number): boolean => !isDeepStrictEqual(one, changed.tables[index]);
  const other = policy.tables.find((one, index) => one !== known && isOther(one, index));
  if (other !== undefined)
    throw new BadInput([
      {
        where: `${path}, table ${rule.table}`,
        problem: `shares what is to change with table ${other.table}, by an anchor (&); write it out for each of them`,
      },
    ]);
  return { text: after, policy: changed, changes: known === undefined ? null : changes };
}

/** A rule of the owner's own for built-in data must not make it private. */
const filled = (rule: NewRule): NewRule => ({
  ...rule,
  labels: rule.labels ?? 'plain',
  public: rule.public ?? isBuiltIn(rule.table),
});

/** Changes no more of what somebody wrote than what is otherwise now. */
function widenNode(document: Document, sequence: YAMLSeq, at: number, known: TableRule, wanted: TableRule): void {
  const node = sequence.get(at);
  if (isMap(node)) setFields(document, node, known, wanted);
  else sequence.set(at, document.createNode(written(wanted)));
}

function setFields(document: Document, node: YAMLMap, before: object, after: object): void {
  for (const [field, value] of Object.entries(after) as [string, unknown][]) {
    const was = (before as Record<string, unknown>)[field];
    if (isDeepStrictEqual(was, value)) continue;
    const inside = node.get(field);
    if (isSeq(inside) && Array.isArray(was) && Array.isArray(value)) {
      for (const item of value) if (!was.includes(item)) inside.add(document.createNode(item));
    } else if (isMap(inside)) setFields(document, inside, was as object, value as object);
    // Of a scalar, the node with its comment stays.
    else node.set(field, typeof value === 'object' ? document.createNode(value) : value);
  }
}

/** A line for each field. */
function changesOf(known: TableRule, wanted: TableRule): string[] {
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

const COLUMNS = ['text', 'pair', 'label', 'attributes'] as const;
const MECHANISMS = ['exponential', 'laplace'] as const;

export const labelsInWords = (labels: TableRule['labels']): string =>
  labels === 'plain' ? 'as they are' : `epsilon up to ${labels}`;

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

function widened(known: TableRule, rule: NewRule): TableRule {
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

/** Adds a folder that answers may be written to. @throws as `withRule`. */
export function withAnswers(text: string | null, path: string, folder: string): Changed {
  const before = text ?? newPolicyText();
  const known = parsePolicy(before, path);
  if (known.answers.includes(folder)) return { text: before, policy: known };
  const document = parseDocument(before);
  sequenceOf(document, 'answers').add(document.createNode(folder));
  const after = document.toString({ lineWidth: 0 });
  return { text: after, policy: parsePolicy(after, path) };
}

/** Without what is empty or the default. */
function written(rule: NewRule): object {
  return Object.fromEntries(
    Object.entries(rule).filter(
      ([, value]) => value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0),
    ),
  );
}

/** In block style, one rule below the other. */
function sequenceOf(document: Document, field: 'tables' | 'backbones' | 'answers'): YAMLSeq {
  const found = document.get(field);
  if (isSeq(found)) {
    if (field === 'tables') found.flow = false;
    return found;
  }
  const made = document.createNode([]) as YAMLSeq;
  if (isMap(document.contents)) document.set(field, made);
  return made;
}
