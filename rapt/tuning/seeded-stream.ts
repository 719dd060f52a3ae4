/** Seeded numbers for initial weights and the order of rows, so that a run can be repeated. Noise never comes from
 *  here: rapt/privacy draws it from the system's own source. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/** A stream for one purpose. Streams of different purposes or indices share nothing, even under the same seed. */
export function seededStream(seed: number, purpose: string, index = 0): RandomGenerator {
  let state = 0x811c9dc5 ^ seed;
  for (const code of `${purpose}/${index}`) state = Math.imul(state ^ code.codePointAt(0)!, 0x01000193);
  const stream = xoroshiro128plus(state | 0);
  for (let i = 0; i < 16; i++) stream.next(); // the first outputs of near seeds are alike
  return stream;
}

/** Standard normal values times `deviation`, by the polar method (Marsaglia and Bray 1964). */
export function normalValues(stream: RandomGenerator, count: number, deviation: number): Float32Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count;) {
    const x = 2 * uniformFloat64(stream) - 1;
    const y = 2 * uniformFloat64(stream) - 1;
    const square = x * x + y * y;
    if (square >= 1 || square === 0) continue;
    const scale = deviation * Math.sqrt((-2 * Math.log(square)) / square);
    values[i++] = x * scale;
    if (i < count) values[i++] = y * scale;
  }
  return values;
}

/** A uniformly random order of 0..count-1 (Fisher and Yates). */
export function permutation(stream: RandomGenerator, count: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = uniformInt(stream, 0, last);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
