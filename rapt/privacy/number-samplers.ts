/** Samplers over a RandomSource. Integers have their distribution exactly, real numbers up to double precision. */
import type { RandomSource } from './random-source.ts';

const TWO_21 = 2 ** 21;
const TWO_32 = 2 ** 32;
const TWO_53 = 2 ** 53;
/** A number of 53 bits gets 53 more bits if it is below this one, which happens once in 1,024 draws. */
const FEW_BITS = 2 ** 43;

const word = new Uint32Array(2);
const wordBytes = new Uint8Array(word.buffer);

/** Uniform on the multiples of 2^-53 in [0, 1). */
export function uniform(random: RandomSource): number {
  return bits53(random) / TWO_53;
}

/** Uniform on {0, ..., n - 1}, exactly: as many random bits as n - 1 has, drawn again while the value is n or more.
 *  @param n 1 to 2^53. */
export function uniformInteger(random: RandomSource, n: number): number {
  if (!Number.isInteger(n) || n < 1 || n > TWO_53)
    throw new RangeError(`uniformInteger needs an integer from 1 to 2^53, not ${n}`);
  const most = n - 1;
  const highMask = maskFor(Math.floor(most / TWO_32));
  const lowMask = most >= TWO_32 ? 0xffff_ffff : maskFor(most);
  for (;;) {
    random.fill(wordBytes);
    const value = ((word[0]! & highMask) >>> 0) * TWO_32 + ((word[1]! & lowMask) >>> 0);
    if (value <= most) return value;
  }
}

/** Standard exponential, density e^-x: -ln U of a uniform U = 2^-n (1 - W/2), n geometric with parameter 1/2 and W
 *  uniform on [0, 1); so n ln 2 - ln(1 - W/2). What is drawn lies within u + 8 u x of the ideal x, u = 2^-53: W is cut
 *  to 53 bits, and has 53 more where it is small, the logarithm is within one unit in the last place (V8 uses
 *  fdlibm's), and the rest is rounding. */
export function exponential(random: RandomSource): number {
  random.fill(wordBytes);
  const [high, low] = [word[0]!, word[1]!];
  const bits = (high % TWO_21) * TWO_32 + low;
  // The 11 bits that W leaves over begin the geometric number.
  const unused = high >>> 21;
  const halvings = unused === 0 ? 11 + geometric(random) : Math.clz32(unused) - 21;
  const w = (bits < FEW_BITS ? bits + uniform(random) : bits) / TWO_53;
  return halvings * Math.LN2 - Math.log1p(-w / 2);
}

/** The number of fair coin flips before the first head. */
function geometric(random: RandomSource): number {
  random.fill(wordBytes);
  if (word[0] !== 0) return Math.clz32(word[0]!);
  return 32 + geometric(random);
}

/** Fills with independent standard normal values: (r cos t, r sin t) with r^2 / 2 standard exponential and t uniform on
 *  the circle (Box and Muller, Annals of Mathematical Statistics 29(2), 1958). The vector lies within 32 u sqrt(d / 2)
 *  + 23 u ||g|| of the ideal one, u = 2^-53: r within 32 u + 5 u r by the error of `exponential`, the angle within 15
 *  u, cosine and sine within one unit in the last place. */
export function fillGaussian(random: RandomSource, out: Float64Array): void {
  for (let at = 0; at < out.length; at += 2) {
    const radius = Math.sqrt(2 * exponential(random));
    const angle = 2 * Math.PI * uniform(random);
    out[at] = radius * Math.cos(angle);
    if (at + 1 < out.length) out[at + 1] = radius * Math.sin(angle);
  }
}

/** Gamma(shape, scale) for a whole-number shape, density proportional to x^(shape - 1) e^(-x / scale): a sum of as many
 *  exponentials (Erlang's distribution). Nothing is rejected, so nothing but rounding separates it from the ideal:
 *  scale * (shape u + (shape + 9) u G) for a sum G.
 *  @param shape whole, at least 1. */
export function gamma(random: RandomSource, shape: number, scale: number): number {
  if (!(Number.isInteger(shape) && shape >= 1))
    throw new RangeError(`gamma needs a whole-number shape of at least 1, not ${shape}`);
  let sum = 0;
  for (let term = 0; term < shape; term++) sum += exponential(random);
  return sum * scale;
}

/** Uniform on the unit SPHERE in as many dimensions as `out` has: a normal vector divided by its length (Muller, CACM
 *  2(4), 1959). */
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

/** A mask of ones up to the highest set bit of a 32-bit integer. */
const maskFor = (value: number): number => (value === 0 ? 0 : 0xffff_ffff >>> Math.clz32(value));
