/** The 5 %, 50 % and 95 % quantile of some numbers: each is the nearest number itself. All are 0 when there are
 *  none. */
export function quantiles(values: Iterable<number>): { p05: number; p50: number; p95: number } {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  return { p05: at(0.05), p50: at(0.5), p95: at(0.95) };
}
