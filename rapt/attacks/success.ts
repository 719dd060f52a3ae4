/** How often an attack is right, with an interval that allows for tokens of one text being alike. */
import type { Rate } from '../../contracts/index.ts';
import { wilsonInterval } from '../evaluation/index.ts';

const Z95 = 1.959963984540054;

/** Counts successes text by text. */
export class SuccessCounter {
  readonly #right: number[] = [];
  readonly #of: number[] = [];

  /** Counts one text: how many of its tokens were guessed right, of how many. */
  add(right: number, of: number): void {
    this.#right.push(right);
    this.#of.push(of);
  }

  /** The share of all tokens, with its 95 % interval. The interval is that of a ratio of two sums over texts (Cochran,
   *  Sampling Techniques, 3rd ed., section 6.3), and never narrower than Wilson's for independent tokens. */
  rate(): Rate {
    const n = sum(this.#of);
    const value = n === 0 ? 0 : sum(this.#right) / n;
    const texts = this.#of.length;
    const squares = sum(this.#right.map((right, text) => (right - value * this.#of[text]!) ** 2));
    const half = texts > 1 && n > 0 ? (Z95 * Math.sqrt((squares * texts) / (texts - 1))) / n : 1;
    const wilson = wilsonInterval(value, n);
    return {
      value,
      low: Math.max(0, Math.min(wilson.low, value - half)),
      high: Math.min(1, Math.max(wilson.high, value + half)),
    };
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
