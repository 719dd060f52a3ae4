/** Changing the policy that people have written: their comments stay. */
import { statSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { isMap, isSeq, parseDocument, type Document, type YAMLMap, type YAMLSeq } from 'yaml';
import { BadInput } from '../../contracts/index.ts';
import { makeFolder, withFileLock, writeWholeFile } from '../../system/index.ts';
import { newPolicyText } from './new-policy.ts';
import { parsePolicy, ruleOfPlace, type Policy, type TableRule } from './policy.ts';
import { changesOf, filled, widened, type NewRule } from './wider-rule.ts';

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

/** Adds a rule, or widens the one of the same place. @param text of the policy; null where there is none yet.
 *  @throws BadInput when the text is no policy. */
export function withRule(text: string | null, path: string, rule: NewRule, backbone?: string): ChangedRule {
  const before = text ?? newPolicyText();
  const policy = parsePolicy(before, path);
  const known = ruleOfPlace(policy, rule.table);
  const document = parseDocument(before);
  const rules = sequenceOf(document, 'tables');
  const changes: string[] = [];
  if (known === undefined) rules.add(document.createNode(written(filled(rule))));
  else {
    const wanted = widened(known, rule);
    changes.push(...changesOf(known, wanted));
    widenNode(document, rules, policy.tables.indexOf(known), known, wanted);
  }
  if (backbone !== undefined && addBackbone(document, backbone)) changes.push(`backbones: + ${backbone}`);
  const isUnchanged = known !== undefined && changes.length === 0;
  const after = isUnchanged ? before : textOf(document);
  const changed = parsePolicy(after, path);
  refuseSharedChange({ before: policy.tables, after: changed.tables, known, where: `${path}, table ${rule.table}` });
  return { text: after, policy: changed, changes: known === undefined ? null : changes };
}

/** @returns whether it was not there yet. */
function addBackbone(document: Document, backbone: string): boolean {
  const backbones = sequenceOf(document, 'backbones');
  if (backbones.toJSON().includes(backbone)) return false;
  backbones.add(document.createNode(backbone));
  return true;
}

/** In YAML two rules can share a list, which then changes for both. @throws BadInput when another rule than the known
 *  one has changed. */
function refuseSharedChange(rules: {
  readonly before: readonly TableRule[];
  readonly after: readonly TableRule[];
  readonly known: TableRule | undefined;
  readonly where: string;
}): void {
  const { before, after, known, where } = rules;
  const other = before.find((rule, index) => rule !== known && !isDeepStrictEqual(rule, after[index]));
  if (other === undefined) return;
  throw new BadInput([
    {
      where,
      problem: `shares what is to change with table ${other.table}, by an anchor (&); write it out for each of them`,
    },
  ]);
}

/** Changes only what is otherwise now; the rest stays as somebody wrote it. */
function widenNode(document: Document, rules: YAMLSeq, at: number, known: TableRule, wanted: TableRule): void {
  const node = rules.get(at);
  if (isMap(node)) setFields(document, node, known, wanted);
  else rules.set(at, document.createNode(written(wanted)));
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

/** Adds a folder that answers may be written to. @throws as `withRule`. */
export function withAnswers(text: string | null, path: string, folder: string): Changed {
  const before = text ?? newPolicyText();
  const known = parsePolicy(before, path);
  if (known.answers.includes(folder)) return { text: before, policy: known };
  const document = parseDocument(before);
  sequenceOf(document, 'answers').add(document.createNode(folder));
  const after = textOf(document);
  return { text: after, policy: parsePolicy(after, path) };
}

/** The rule as it is written: without what is empty or the default. */
function written(rule: NewRule): object {
  return Object.fromEntries(
    Object.entries(rule).filter(
      ([, value]) => value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0),
    ),
  );
}

/** The list of this field, made if need be. Rules are written one below the other, and not in one line. */
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

/** Long lines stay as people wrote them. */
const textOf = (document: Document): string => document.toString({ lineWidth: 0 });
