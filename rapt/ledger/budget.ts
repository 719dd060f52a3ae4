/** How much may be spent: on one text, by a tenant, and on the label of one text. */
import { existsSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { budgetSchema, ErrorKind, RaptError, type Budget } from '../../contracts/index.ts';
import { costInWords, costOf, shortSum, tenantSpent, type Cost } from './cost.ts';
import type { TextCounts } from './texts.ts';

const BUDGET_FILE = 'budget.json';
/** Sums of etas are sums of decimals: 0.1 + 0.2 must not exceed 0.3. */
const ROUNDING = 1e-9;

/** The largest sum that may be spent, and who set it. */
export interface Limit {
  /** Of etas; of label epsilons where labels are limited. */
  readonly largest: number;
  readonly setBy: string;
  /** Whether releases of public tables count. */
  readonly countsPublic: boolean;
}

/** All limits that hold, strictest first; none where nothing is limited. */
export interface Limits {
  readonly perText: readonly Limit[];
  readonly perTenant: readonly Limit[];
  readonly labels: readonly Limit[];
}

/** A budget, and who set it. */
export interface SetBudget {
  readonly budget: Budget;
  /** In words that a refusal names it by; by the kind of limit where these differ. */
  readonly setBy: string | ((kind: keyof Budget) => string);
  /** Whether releases of public tables count against it. Default: they do. */
  readonly countsPublic?: boolean | undefined;
}

/** The budget that this client's owner set by the command, and that of one run. */
export const ownersBudget = (budget: Budget): SetBudget => ({ budget, setBy: 'this client (`rapt ledger budget`)' });
export const runsBudget = (budget: Budget): SetBudget => ({
  budget,
  setBy: (kind) => `the run (privacy.budget.${kind})`,
});
/** The budget of the owner's policy. What is in a public table is nobody's secret, so that releases of one do not
 *  count. */
export const policysBudget = (budget: Budget): SetBudget => ({
  budget,
  setBy: "the owner's policy (policy.yaml)",
  countsPublic: false,
});

/** What is known of labels of earlier releases when labels are drawn. */
export interface DrawnBefore {
  /** Distinct texts whose labels left before. */
  readonly texts: number;
  /** Why their labels are drawn again, as the end of a sentence. */
  readonly why: string;
}

/** The owner's budget, which holds for every run on this client, whoever starts it. @throws RaptError badInput. */
export function readBudget(tenantFolder: string): Budget {
  const path = join(tenantFolder, BUDGET_FILE);
  if (!existsSync(path)) return {};
  try {
    return budgetSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new RaptError(
      ErrorKind.badInput,
      `${path} is not a budget; correct it, or set it anew with \`rapt ledger budget\``,
      { cause },
    );
  }
}

export async function writeBudget(tenantFolder: string, budget: Budget): Promise<void> {
  const path = join(tenantFolder, BUDGET_FILE);
  await writeFile(`${path}.part`, `${JSON.stringify(budget, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.part`, path);
}

/** Every limit of these budgets. Each holds by itself: one that leaves public tables out may be the stricter for one
 *  release and not for the next. */
export function limitsOf(...budgets: readonly SetBudget[]): Limits {
  const all = (kind: keyof Budget): Limit[] =>
    budgets
      .flatMap(({ budget, setBy, countsPublic = true }) => {
        const largest = budget[kind];
        return largest === undefined
          ? []
          : [{ largest, setBy: typeof setBy === 'string' ? setBy : setBy(kind), countsPublic }];
      })
      .sort((a, b) => a.largest - b.largest);
  return { perText: all('perText'), perTenant: all('perTenant'), labels: all('labels') };
}

/** Whether a limit has to do with a release. */
export const counts = ({ countsPublic }: Limit, release: { readonly public?: boolean | undefined }): boolean =>
  countsPublic || release.public !== true;

/** What is wrong when a release is added to those before it; null when nothing is. */
export function exceededTenantBudget(limit: Limit, before: readonly Cost[], next: Cost): string | null {
  if (!counts(limit, next)) return null;
  const counted = before.filter((release) => counts(limit, release));
  const cost = costOf(next);
  const spent = tenantSpent(counted);
  if (!exceeds(spent + cost, limit.largest)) return null;
  const releases = counted.length === 1 ? '1 release' : `${counted.length} releases`;
  return (
    `this release costs ${costInWords(cost)} of the tenant's budget of eta ${limit.largest}, set by ${limit.setBy}, ` +
    `and ${costInWords(Math.max(0, limit.largest - spent))} is left after ${releases}; ` +
    'use a smaller eta, or raise the budget'
  );
}

/** As `exceededTenantBudget`, text by text. @param spent by each of the texts before, as far as this limit counts
 *  it. */
export function exceededTextBudget(
  limit: Limit,
  texts: TextCounts,
  spent: Float64Array,
  eta: number | null,
): string | null {
  const over = exceeding(limit, texts, spent, eta ?? Infinity);
  if (over === null) return null;
  return (
    `${over.texts} of ${texts.digests.length} texts would exceed the budget of eta ${limit.largest} for a text, ` +
    `set by ${limit.setBy}: this release costs ${costInWords(eta ?? Infinity)}${over.each}, ` +
    `and the least that one of them has left is ${costInWords(over.least)}; ` +
    'leave these texts out (`rapt ledger --in FILE` tells the rows), use a smaller eta, or raise the budget'
  );
}

/** As `exceededTextBudget`, for labels. @param epsilon of this release; Infinity where labels leave as they are.
 *  @param again what is known of labels that left before; null where none did. */
export function exceededLabelBudget(
  limit: Limit,
  texts: TextCounts,
  spent: Float64Array,
  epsilon: number,
  again: DrawnBefore | null,
): string | null {
  const over = exceeding(limit, texts, spent, epsilon);
  if (over === null) return null;
  const before =
    again === null
      ? ''
      : `. Labels of ${again.texts} of these texts left before, and are drawn again because ${again.why}`;
  const less = epsilon === Infinity ? 'set privacy.labelEpsilon' : 'use a smaller privacy.labelEpsilon';
  return (
    `the labels of ${over.texts} of ${texts.digests.length} texts would exceed the budget of epsilon ` +
    `${limit.largest} for the label of a text, set by ${limit.setBy}: ` +
    `this release costs ${labelInWords(epsilon)}${over.each}, and the least that one of them has left is ` +
    `${labelInWords(over.least)}; ` +
    `leave these texts out, ${less}, or raise the budget${before}`
  );
}

interface Exceeding {
  readonly texts: number;
  /** The least that is left of one of them. */
  readonly least: number;
  /** Tells of texts that occur several times. */
  readonly each: string;
}

function exceeding(limit: Limit, { digests, times }: TextCounts, spent: Float64Array, cost: number): Exceeding | null {
  let texts = 0;
  let repeated = 0;
  let least = Infinity;
  for (let place = 0; place < digests.length; place++) {
    if (!exceeds(spent[place]! + cost * times[place]!, limit.largest)) continue;
    texts++;
    if (times[place]! > 1) repeated++;
    least = Math.min(least, Math.max(0, limit.largest - spent[place]!));
  }
  if (texts === 0) return null;
  const often = repeated === texts ? 'these occur' : `${repeated} of these occur`;
  return {
    texts,
    least,
    each: repeated === 0 ? '' : ` for each time that a text occurs, and ${often} more than once in the table`,
  };
}

/** Whether a further cost fits on every one of these texts. */
export const fits = (limit: Limit, spent: Float64Array, times: Uint32Array, cost: number): boolean =>
  spent.every((sum, place) => !exceeds(sum + cost * times[place]!, limit.largest));

const exceeds = (sum: number, limit: number): boolean => sum > limit * (1 + ROUNDING);
const labelInWords = (epsilon: number): string =>
  epsilon === Infinity ? 'an unlimited epsilon (labels leave as they are)' : `epsilon ${shortSum(epsilon)}`;
