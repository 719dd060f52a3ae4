/** Writing the policy: anew with its comments, or a table added to what people have written, whose comments stay. */
import { isMap, isSeq, parseDocument, type Document, type YAMLSeq } from 'yaml';
import { DEFAULT_ETA, type TuningConfig } from '../../contracts/index.ts';
import { defaultPolicy, parsePolicy, type Policy, type TableRule } from './policy.ts';

/** A rule as `allow` writes it: what is left out stays as it was, or is the default. */
export type NewRule = Pick<TableRule, 'table'> & Partial<Omit<TableRule, 'table'>>;

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
# \`rapt ledger budget\` limits your own runs as well.
budgets: { ${Object.entries(budgets).map(([name, value]) => `${name}: ${value}`).join(', ')} }

# Folders that answers to predictions may be written to. No file in them is overwritten.
answers: []

# Files that an audit may take for public text.
publicTexts: []
`;
}

/** Adds a rule, or widens the one of the same table. @param text of the policy; null where there is none yet. @returns
 *  the text and what it now says.
 *  @throws BadInput when the text is no policy. */
export function withRule(text: string | null, path: string, rule: NewRule, backbone?: string): { text: string; policy: Policy } {
  const before = text ?? newPolicyText();
  const { tables } = parsePolicy(before, path);
  const document = parseDocument(before);
  const sequence = sequenceOf(document, 'tables');
  const at = tables.findIndex(({ table }) => table === rule.table);
  const known = tables[at];
  const node = document.createNode(written(known === undefined ? { ...rule, labels: rule.labels ?? 'plain' } : widened(known, rule)));
  if (known === undefined) sequence.add(node);
  else sequence.set(at, node);
  if (backbone !== undefined) {
    const backbones = sequenceOf(document, 'backbones');
    if (!(backbones.toJSON()).includes(backbone)) backbones.add(document.createNode(backbone));
  }
  const after = document.toString({ lineWidth: 0 });
  return { text: after, policy: parsePolicy(after, path) };
}

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

function widened(known: TableRule, rule: NewRule): NewRule {
  const both = (name: 'text' | 'pair' | 'label' | 'attributes'): string[] => [...new Set([...known[name], ...(rule[name] ?? [])])];
  const larger = (name: 'exponential' | 'laplace'): { [mechanism: string]: number } => {
    const etas = [known.eta[name], rule.eta?.[name]].filter((eta) => eta !== undefined);
    return etas.length === 0 ? {} : { [name]: Math.max(...etas) };
  };
  return {
    ...known,
    ...rule,
    text: both('text'), pair: both('pair'), label: both('label'), attributes: both('attributes'),
    eta: { ...larger('exponential'), ...larger('laplace') },
    none: known.none || rule.none === true,
    labels: widerLabels(known.labels, rule.labels),
  };
}

/** Labels that are protected stay so until the owner says otherwise in so many words. */
function widerLabels(known: TableRule['labels'], wanted: TableRule['labels'] = known): TableRule['labels'] {
  return known === 'plain' || wanted === 'plain' ? wanted : Math.max(known, wanted);
}

/** Adds a folder that answers may be written to. @returns and @throws as `withRule`. */
export function withAnswers(text: string | null, path: string, folder: string): { text: string; policy: Policy } {
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
  return Object.fromEntries(Object.entries(rule).filter(([, value]) => value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0)));
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
