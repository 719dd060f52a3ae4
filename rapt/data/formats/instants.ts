/** Points in time that formats count in parts of a millisecond. `Date` has no such parts, and two points that differ
 *  must never get the same text. */

const NANOSECONDS = 9;

/** A date, if the instant is a whole number of milliseconds; else its text, with six or nine digits behind the second.
 *  @param count since 1970, in units of which a millisecond has `perMs`: 1000 or 1,000,000. */
export function instantOf(count: bigint, perMs: 1000n | 1_000_000n): Date | string {
  const rest = ((count % perMs) + perMs) % perMs;
  const date = new Date(Number((count - rest) / perMs));
  if (rest === 0n || Number.isNaN(date.getTime())) return date;
  const digits = String(rest)
    .padStart(perMs === 1000n ? 3 : NANOSECONDS - 3, '0')
    .replace(/000$/, '');
  return date.toISOString().replace('Z', `${digits}Z`);
}
