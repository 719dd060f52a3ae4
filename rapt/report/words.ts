/** How numbers and attacks are said; gate-words.ts has the words of gates. The page, both kinds of Markdown, the
 *  terminal and JUnit take their words from here, so that a figure reads the same wherever it stands. */
import type { Rate } from '../../contracts/index.ts';

const MINUTE_S = 60;
const HOUR_S = 3600;

/** Of a figure that did not leave its owner's machine. */
export const NOT_TOLD = 'not told';

export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** The same of a share that may not have left its owner's machine. */
export const percentIfTold = (share: number | null | undefined): string =>
  share === null || share === undefined ? NOT_TOLD : percent(share);

/** The same of a share that may not exist. */
export const percentIfAny = (share: number | null | undefined): string =>
  share === null || share === undefined ? '–' : percent(share);

export const range = ({ low, high }: Pick<Rate, 'low' | 'high'>): string => `${percent(low)} to ${percent(high)}`;

/** "51.7 % (50.7 % to 52.7 %)" */
export const rateWithRange = (rate: Rate): string => `${percent(rate.value)} (${range(rate)})`;

/** A difference of two shares in percentage points, without its sign. */
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

/** "macro F1 0.651" */
export const macroF1 = (f1: number | null): string => `macro F1 ${f1?.toFixed(3) ?? NOT_TOLD}`;

/** Of a run without noise. */
export const LEFT_IN_PLAIN = 'the texts left in plain tokens';
export const stayedThemselves = (unchangedRate: number | null): string =>
  `${percentIfTold(unchangedRate)} of the tokens stayed themselves`;

/** Of a release that was found and not made. */
export const DRAWN_EARLIER = 'drawn by an earlier run; nothing was spent again';

/** What each attack does, for who reads its result. */
const ATTACK_NAMES: Readonly<Record<string, string>> = {
  inversion: 'Nearest token (embedding inversion)',
  inversionTop10: 'Among the ten nearest',
  bayes: "Bayes' rule with the prior that the release gives away",
  bayesTop10: "Among the ten likeliest by Bayes' rule",
  learned: 'Inverter learned from the plain tokens',
  learnedTop10: 'Among the ten likeliest of the learned inverter',
  context: 'Whole texts decoded (hidden Markov model)',
  masked: 'A token from its released neighbours alone',
};

/** An attack of a later version goes by its own name. */
export const attackName = (attack: string): string => ATTACK_NAMES[attack] ?? attack;

/** What the columns beside an attack mean. */
export const BLIND_GUESSES =
  'Without the release: always the likeliest token of a prior that has not seen it, of public text where the audit ' +
  "was given some, else by Zipf's law over the vocabulary, which knows no language. Most frequent token alone: " +
  'always the one that the release itself tells to be the most frequent. Of the ten likeliest, ten.';

/** The same below a table on a terminal. */
export const BLIND_GUESSES_IN_SHORT =
  'without the release: always the likeliest token, or the ten likeliest, of public text (audit.publicText), else of ' +
  "Zipf's law; most frequent token: always the one, or the ten, that are so by what the release itself tells";
