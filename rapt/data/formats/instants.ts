/** Points in time that formats count in parts of a millisecond, which `Date` does not have: two that differ must never
 *  get the same text. */

const NANOSECONDS = 9;

/** A date where whole milliseconds tell it all; else the text of one, with six or nine digits behind the second.
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
