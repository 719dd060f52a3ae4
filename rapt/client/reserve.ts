import type { Budget, Guarantee } from '../../contracts/index.ts';
import type { Row } from '../data/index.ts';
import {
  Families,
  Ledger,
  limitsOf,
  ownersBudget,
  policysBudget,
  readBudget,
  releasedAlready,
  runsBudget,
  TextCollector,
  type DrawnTexts,
  type LedgerRelease,
  type Limits,
} from '../ledger/index.ts';
import type { KeptTokens } from '../release/index.ts';
import { Turns } from '../turns.ts';

export interface DueRelease extends Pick<LedgerRelease, 'localKey' | 'tenant' | 'run' | 'purpose' | 'takesOver'> {
  readonly mechanism: Guarantee['mechanism'];
  readonly eta: number | null;
  readonly labelEpsilon: number | null;
  /** What becomes of labels: none are in it, they leave as they are, or they are drawn under `labelEpsilon`. */
  readonly labels: NonNullable<LedgerRelease['labels']>;
  readonly table: string;
  /** The run's own budget; the owner's holds besides. */
  readonly budget: Budget;
  /** That of the owner's policy, which does not count public tables; it holds besides, too. */
  readonly policyBudget?: Budget | undefined;
  /** Whether the table is public. Default: it is not. */
  readonly public?: boolean | undefined;
  /** Why labels that were drawn before are drawn again, as the end of a sentence, where it is known. */
  readonly drawnAgainBecause?: string | undefined;
  /** Rows that will be drawn. Those that are taken over cost nothing. */
  readonly rows: () => AsyncIterable<Row>;
  /** What of a row's tokens is released. */
  readonly tokens: (row: Row) => KeptTokens;
}

/** The limits that hold for a run of this tenant. */
export const limitsFor = (
  tenantFolder: string,
  { budget, policyBudget = {} }: Pick<DueRelease, 'budget' | 'policyBudget'>,
): Limits => limitsOf(ownersBudget(readBudget(tenantFolder)), runsBudget(budget), policysBudget(policyBudget));

/** Enters a release's cost before it is drawn, or finds it entered. @returns the ledger's entry.
 *  @param isComplete whether it was drawn already. @param signal stops the reading of the rows.
 *  @throws RaptError budgetExceeded; badInput when it left once and is not here any more. */
export async function reserve(
  tenantFolder: string,
  secret: Uint8Array,
  due: DueRelease,
  isComplete: boolean,
  signal?: AbortSignal,
): Promise<LedgerRelease> {
  const { budget: _, policyBudget: __, public: isPublic = false, rows, tokens, ...entered } = due;
  const texts = async (): Promise<DrawnTexts> => {
    const collector = new TextCollector(secret);
    const families = new Families(secret);
    const turns = new Turns(signal);
    for await (const row of rows()) {
      const kept = tokens(row);
      collector.add(row.text);
      families.add(kept.text);
      if (row.pair !== null) {
        collector.add(row.pair);
        families.add(kept.pair);
      }
      if (turns.due) await turns.next();
    }
    return { digests: collector.finish(), alike: await families.largest(turns) };
  };
  const release = await new Ledger(tenantFolder).reserve({
    ...entered,
    ...(isPublic && { public: true as const }),
    limits: limitsFor(tenantFolder, due),
    texts,
  });
  if (release.released !== null && !isComplete) throw releasedAlready(release);
  return release;
}
