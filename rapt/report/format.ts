/** How values are written in the report: one place, so that a number looks the same wherever it stands. */

const MINUTE_S = 60;
const HOUR_S = 3600;

export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** A difference of two shares, in percentage points with its sign. */
export const points = (difference: number): string => `${(Math.abs(difference) * 100).toFixed(1)} points`;

export const count = (value: number): string => value.toLocaleString('en-US');

export const bytes = (value: number): string =>
  value < 1024
    ? `${value} B`
    : value < 1024 ** 2
      ? `${(value / 1024).toFixed(1)} KiB`
      : `${(value / 1024 ** 2).toFixed(1)} MiB`;

/** Four significant digits, without trailing zeros. */
export const number = (value: number): string =>
  Number.isInteger(value) ? count(value) : String(Number(value.toPrecision(4)));

export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < MINUTE_S) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < HOUR_S) return `${Math.floor(whole / MINUTE_S)} min ${whole % MINUTE_S} s`;
  return `${Math.floor(whole / HOUR_S)} h ${Math.floor((whole % HOUR_S) / MINUTE_S)} min`;
}

/** A timing by the unit in its name: `trainMs`, `trainSeconds`. */
export function timing(key: string, value: number): { readonly name: string; readonly value: string } {
  const [, name, unit] = /^(.*?)(Ms|Seconds)?$/.exec(key) ?? [key, key, undefined];
  const spaced = (name || key).replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
  if (unit === 'Ms') return { name: spaced, value: duration(value / 1000) };
  if (unit === 'Seconds') return { name: spaced, value: duration(value) };
  return { name: spaced, value: number(value) };
}

/** Quotes a word for a POSIX shell when it needs it. */
export const shellWord = (word: string): string =>
  /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
