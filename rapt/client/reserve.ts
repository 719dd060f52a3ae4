import type { Budget, Guarantee } from '../../contracts/index.ts';
import type { Row } from '../data/index.ts';
import { Ledger, limitsOf, readBudget, releasedAlready, TextCollector, type LedgerRelease } from '../ledger/index.ts';

export interface DueRelease extends Pick<LedgerRelease, 'localKey' | 'tenant' | 'run' | 'purpose' | 'takesOver'> {
  readonly mechanism: Guarantee['mechanism'];
  readonly eta: number | null;
  readonly labelEpsilon: number | null;
  readonly table: string;
  /** The run's own budget; the owner's holds besides. */
  readonly budget: Budget;
  /** Rows that will be drawn. Those that are taken over cost nothing. */
  readonly rows: () => AsyncIterable<Row>;
}

/** Enters a release's cost before it is drawn, or finds it entered. @returns the ledger's entry.
 *  @param isComplete whether it was drawn already. @throws RaptError budgetExceeded; badInput when it left once and is not here any more. */
export async function reserve(tenantFolder: string, secret: Uint8Array, { budget, rows, ...due }: DueRelease, isComplete: boolean): Promise<LedgerRelease> {
  const limits = limitsOf(readBudget(tenantFolder), budget);
  const texts = async (): ReturnType<Parameters<Ledger['reserve']>[0]['texts']> => {
    const collector = new TextCollector(secret);
    for await (const { text, pair } of rows()) {
      collector.add(text);
      if (pair !== null) collector.add(pair);
    }
    return collector.finish();
  };
  const release = await new Ledger(tenantFolder).reserve({ ...due, limits, texts });
  if (release.released !== null && !isComplete) throw releasedAlready(release);
  return release;
}
