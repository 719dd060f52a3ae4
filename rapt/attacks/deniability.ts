/** Plausible deniability of single tokens (Feyisetan, Balle, Drake and Diethe, WSDM 2020): N_w = P(M(w) = w), and S_w,
 *  the number of different outputs of w. Both are told for the public output vocabulary, never for the tokens of texts:
 *  their values differ from token to token, so a quantile over the tokens of a text would name one of them. */
import type { Deniability } from '../../contracts/index.ts';
import { quantiles } from '../quantiles.ts';
import { Turns } from '../turns.ts';
import type { Channel } from '../channel/index.ts';

/** So many tokens of the vocabulary are looked at. */
const MOST_TYPES = 256;
/** S_w counts the different outputs that so many draws are expected to show. */
const DRAWS = 1000;

/** So many types are looked at together. */
const BATCH = 16;

/** Quantiles of N_w and S_w under the adversary's channel, over tokens that are spread evenly over the output
 *  vocabulary and count alike. They depend on the channel alone.
 *  @throws the reason of the turns' signal, when it is aborted. */
export async function deniability(channel: Channel, turns = new Turns()): Promise<Deniability> {
  const count = channel.outputIds.length;
  const places = evenlySpread(count, MOST_TYPES);
  const stays: number[] = [];
  const outputs: number[] = [];
  for (let at = 0; at < places.length; at += BATCH) {
    const batch = places.subarray(at, at + BATCH);
    const rows = await channel.outputs(
      batch.map((place) => channel.outputIds[place]!),
      turns,
    );
    for (const [row, own] of batch.entries()) {
      stays.push(rows[row * count + own]!);
      // The expected number of different outputs in DRAWS draws.
      let expected = 0;
      for (let place = row * count; place < (row + 1) * count; place++) expected += 1 - (1 - rows[place]!) ** DRAWS;
      outputs.push(expected);
      await turns.next();
    }
  }
  return { types: stays.length, draws: DRAWS, staysItself: quantiles(stays), differentOutputs: quantiles(outputs) };
}

/** At most `most` places of a list, each in the middle of its share of the list. */
const evenlySpread = (length: number, most: number): Int32Array => {
  const count = Math.min(most, length);
  return Int32Array.from({ length: count }, (_, at) => Math.floor(((at + 0.5) * length) / count));
};
