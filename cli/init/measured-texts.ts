/** Reads all texts of a user's table and measures them: their lengths in tokens, and how often they repeat. */
import { readTable, type ProposedColumns } from '../../rapt/data/index.ts';
import { countTexts, Families, TextCollector } from '../../rapt/ledger/index.ts';
import type { KeptTokens } from '../../rapt/release/index.ts';

/** Tokens of a row, of both its texts together, before they are cut. */
export interface RowLengths {
  readonly p05: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly most: number;
}

export interface MeasuredTexts {
  /** Rows of each number of tokens; the last one holds the longer ones too. */
  readonly histogram: Uint32Array;
  readonly lengths: RowLengths;
  readonly duplicates: {
    /** Texts beyond the first of each. */
    readonly texts: number;
    /** Times that the most frequent text occurs. */
    readonly most: number;
  };
  /** Texts of the largest family, as the tenant pays for it. A client that has no key yet draws another one at its
   *  first release. By that key short texts may be joined differently, so that this is a few more or less. */
  readonly alike: number;
}

/** Longer rows are counted as of this many tokens. */
export const LONGEST_COUNTED = 4096;

export async function measureTexts(
  file: string,
  columns: ProposedColumns,
  key: Uint8Array,
  tokens: { add(row: { text: string; pair: string | null }): number },
  kept: (row: { text: string; pair: string | null }) => KeptTokens,
): Promise<MeasuredTexts> {
  const histogram = new Uint32Array(LONGEST_COUNTED + 1);
  // As the ledger counts them.
  const collector = new TextCollector(key);
  const families = new Families(key);
  let rows = 0;
  for await (const { text, pair } of readTable(file, columns, { unlabelled: 'leave out' })) {
    for (const one of pair === null ? [text] : [text, pair]) collector.add(one);
    const found = kept({ text, pair });
    for (const one of [found.text, found.pair]) families.add(one);
    const length = tokens.add({ text, pair });
    histogram[Math.min(length, LONGEST_COUNTED)]!++;
    rows++;
  }
  const quantile = (share: number): number => {
    let seen = 0;
    return Math.max(
      0,
      histogram.findIndex((count) => (seen += count) >= share * rows),
    );
  };
  const texts = collector.finish();
  const { digests, times } = countTexts(texts);
  const most = times.reduce((largest, count) => Math.max(largest, count), 0);
  return {
    histogram,
    lengths: {
      p05: quantile(0.05),
      p50: quantile(0.5),
      p95: quantile(0.95),
      p99: quantile(0.99),
      most: histogram.findLastIndex((count) => count > 0),
    },
    duplicates: { texts: texts.length - digests.length, most },
    alike: Math.max(most, await families.largest()),
  };
}
