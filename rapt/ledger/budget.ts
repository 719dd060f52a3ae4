/** How much may be spent: on one text, and by a tenant. */
import { existsSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { budgetSchema, ErrorKind, RaptError, type Budget } from '../../contracts/index.ts';
import type { TextCounts } from './texts.ts';

const BUDGET_FILE = 'budget.json';
/** Sums of etas are sums of decimals: 0.1 + 0.2 must not exceed 0.3. */
const ROUNDING = 1e-9;

/** The largest sum of etas, and who set it. */
export interface Limit {
  readonly eta: number;
  readonly setBy: string;
}

/** Null where nothing is limited. */
export interface Limits {
  readonly perText: Limit | null;
  readonly perTenant: Limit | null;
}

/** The owner's budget, which holds for every run on this client, whoever starts it. @throws RaptError badInput. */
export function readBudget(tenantFolder: string): Budget {
  const path = join(tenantFolder, BUDGET_FILE);
  if (!existsSync(path)) return {};
  try {
    return budgetSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new RaptError(ErrorKind.badInput, `${path} is not a budget; correct it, or set it anew with \`rapt ledger budget\``, { cause });
  }
}

export async function writeBudget(tenantFolder: string, budget: Budget): Promise<void> {
  const path = join(tenantFolder, BUDGET_FILE);
  await writeFile(`${path}.part`, `${JSON.stringify(budget, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.part`, path);
}

/** The stricter of the owner's and the run's. */
export function limitsOf(owner: Budget, run: Budget): Limits {
  const stricter = (name: 'perText' | 'perTenant'): Limit | null => {
    const set: Limit[] = [
      ...(owner[name] === undefined ? [] : [{ eta: owner[name], setBy: 'this client (`rapt ledger budget`)' }]),
      ...(run[name] === undefined ? [] : [{ eta: run[name], setBy: `the run (privacy.budget.${name})` }]),
    ];
    return set.sort((a, b) => a.eta - b.eta)[0] ?? null;
  };
  return { perText: stricter('perText'), perTenant: stricter('perTenant') };
}

/** What is wrong when a release is added to those before it; null when nothing is.
 *  A tenant's spending is what a text has spent that was in every release as often as any text was. */
export function exceededTenantBudget({ perTenant }: Limits, before: readonly { readonly eta: number | null; readonly most: number }[], next: { readonly eta: number | null; readonly most: number }): string | null {
  if (perTenant === null) return null;
  const cost = costOf(next);
  const spent = tenantSpent(before);
  if (!exceeds(spent + cost, perTenant.eta)) return null;
  return `this release costs ${inWords(cost)} of the tenant's budget of eta ${perTenant.eta}, set by ${perTenant.setBy}, and ${inWords(Math.max(0, perTenant.eta - spent))} is left after ${before.length} releases; use a smaller eta, or raise the budget`;
}

export const tenantSpent = (releases: readonly { readonly eta: number | null; readonly most: number }[]): number => releases.reduce((sum, release) => sum + costOf(release), 0);

/** As `exceededTenantBudget`, text by text. @param spent by each of the texts before. */
export function exceededTextBudget(limit: Limit, { digests, times }: TextCounts, spent: Float64Array, eta: number | null): string | null {
  let exceeding = 0;
  let repeated = 0;
  let least = Infinity;
  for (let place = 0; place < digests.length; place++) {
    const cost = costOf({ eta, most: times[place]! });
    if (!exceeds(spent[place]! + cost, limit.eta)) continue;
    exceeding++;
    if (times[place]! > 1) repeated++;
    least = Math.min(least, Math.max(0, limit.eta - spent[place]!));
  }
  if (exceeding === 0) return null;
  const each = repeated === 0 ? '' : repeated === exceeding ? ' for each time that a text occurs, and these occur more than once in the table' : ` for each time that a text occurs, and ${repeated} of these occur more than once in the table`;
  return (
    `${exceeding} of ${digests.length} texts would exceed the budget of eta ${limit.eta} for a text, set by ${limit.setBy}: this release costs ${inWords(eta ?? Infinity)}${each}, ` +
    `and the least that one of them has left is ${inWords(least)}; leave these texts out (\`rapt ledger --in FILE\` tells the rows), use a smaller eta, or raise the budget`
  );
}

const costOf = ({ eta, most }: { readonly eta: number | null; readonly most: number }): number => (eta === null ? Infinity : eta * most);
const exceeds = (sum: number, limit: number): boolean => sum > limit * (1 + ROUNDING);
const inWords = (eta: number): string => (eta === Infinity ? 'an unlimited eta (the texts leave as they are)' : `eta ${Number(eta.toPrecision(6))}`);
