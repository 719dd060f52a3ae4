/** Samplers over a RandomSource. Integers are exact; real-valued ones are exact in distribution up to double precision. */
import type { RandomSource } from './random.ts';

const TWO_21 = 2 ** 21;
const TWO_32 = 2 ** 32;
const TWO_53 = 2 ** 53;

const word = new Uint32Array(2);
const wordBytes = new Uint8Array(word.buffer);

/** Uniform on the multiples of 2^-53 in [0, 1). */
export function uniform(random: RandomSource): number {
  return bits53(random) / TWO_53;
}

/** Uniform on {0, ..., n - 1}, exactly: as many random bits as n - 1 has, drawn again while the value is n or more.
 *  @param n 1 to 2^53. */
export function uniformInteger(random: RandomSource, n: number): number {
  if (!Number.isInteger(n) || n < 1 || n > TWO_53) throw new RangeError(`uniformInteger needs an integer from 1 to 2^53, not ${n}`);
  const most = n - 1;
  const highMask = maskFor(Math.floor(most / TWO_32));
  const lowMask = most >= TWO_32 ? 0xffff_ffff : maskFor(most);
  for (;;) {
    random.fill(wordBytes);
    const value = ((word[0]! & highMask) >>> 0) * TWO_32 + ((word[1]! & lowMask) >>> 0);
    if (value <= most) return value;
  }
}

/** Fills with independent standard normal values by Marsaglia's polar method (Marsaglia and Bray, SIAM Review 6(3), 1964). */
export function fillGaussian(random: RandomSource, out: Float64Array): void {
  for (let at = 0; at < out.length; ) {
    const u = 2 * uniform(random) - 1;
    const v = 2 * uniform(random) - 1;
    const s = u * u + v * v;
    if (s >= 1 || s === 0) continue;
    const factor = Math.sqrt((-2 * Math.log(s)) / s);
    out[at++] = u * factor;
    if (at < out.length) out[at++] = v * factor;
  }
}

/** Standard normal. */
export function gaussian(random: RandomSource): number {
  const one = new Float64Array(1);
  fillGaussian(random, one);
  return one[0]!;
}

/** Gamma(shape, scale), density proportional to x^(shape - 1) e^(-x / scale), by squeeze-free rejection from a transformed normal:
 *  Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26(3), 2000. @param shape at least 1. */
export function gamma(random: RandomSource, shape: number, scale: number): number {
  if (!(shape >= 1)) throw new RangeError(`gamma needs a shape of at least 1, not ${shape}`);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = gaussian(random);
    const v = (1 + c * x) ** 3;
    // 1 - u lies in (0, 1], so that its logarithm exists.
    if (v > 0 && Math.log(1 - uniform(random)) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v * scale;
  }
}

/** Uniform on the unit SPHERE in as many dimensions as `out` has: a normal vector divided by its length (Muller, CACM 2(4), 1959). */
export function fillDirection(random: RandomSource, out: Float64Array): void {
  let squares = 0;
  do {
    fillGaussian(random, out);
    squares = out.reduce((sum, value) => sum + value * value, 0);
  } while (squares === 0);
  const length = Math.sqrt(squares);
  for (let at = 0; at < out.length; at++) out[at]! /= length;
}

/** Index i with probability weights[i] / sum, exactly. @param weights non-negative integers with a sum of 1 to 2^53. */
export function categorical(random: RandomSource, weights: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i]!;
  let rest = uniformInteger(random, total);
  for (let i = 0; i < weights.length; i++) {
    if (rest < weights[i]!) return i;
    rest -= weights[i]!;
  }
  throw new RangeError('categorical needs integer weights');
}

function bits53(random: RandomSource): number {
  random.fill(wordBytes);
  return (word[0]! % TWO_21) * TWO_32 + word[1]!;
}

/** All ones up to the highest set bit of a 32-bit integer. */
const maskFor = (value: number): number => (value === 0 ? 0 : 0xffff_ffff >>> Math.clz32(value));
