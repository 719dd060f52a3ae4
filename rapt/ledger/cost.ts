/** What a release costs, in eta. Losses of releases of the same text add up (composition), and so do those of a text
 *  that occurs several times in one release: it costs its eta times its occurrences. The sum of a tenant counts each
 *  release by the text that occurs most often in it, as if that text had been in every release: the worst case for one
 *  text. */

export interface Cost {
  /** Null for a release that leaves as it is. */
  readonly eta: number | null;
  /** How often the most frequent text occurs in the release, with the texts that are nearly alike. */
  readonly most: number;
  readonly public?: boolean | undefined;
}

/** @returns a sum of etas; Infinity for a release that leaves as it is. */
export const costOf = ({ eta, most }: Cost): number => (eta === null ? Infinity : eta * most);

/** What these releases cost together. */
export const tenantSpent = (releases: readonly Cost[]): number =>
  releases.reduce((sum, release) => sum + costOf(release), 0);

export const costInWords = (eta: number): string =>
  eta === Infinity ? 'an unlimited eta (the texts leave as they are)' : `eta ${shortSum(eta)}`;

export const shortSum = (sum: number): string => String(Number(sum.toPrecision(6)));
