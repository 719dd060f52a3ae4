/** Plausible deniability of single tokens (Feyisetan, Balle, Drake and Diethe, WSDM 2020): N_w = P(M(w) = w), and S_w, how many different outputs w has. */
import type { Deniability } from '../../contracts/index.ts';
import { quantiles } from '../quantiles.ts';
import { Turns } from '../turns.ts';
import type { Channel } from './channel.ts';

const MOST_TYPES = 256;
/** S_w counts the outputs that so many draws are expected to show. */
const DRAWS = 1000;

/** Types looked at together. */
const BATCH = 16;

/** Over the types of the tokens given, evenly thinned; of the channel that the adversary has. @throws the signal's reason of the turns. */
export async function deniability(channel: Channel, tokens: Iterable<number>, turns = new Turns()): Promise<Deniability> {
  const all = [...new Set(tokens)].sort((a, b) => a - b);
  const every = Math.max(1, Math.ceil(all.length / MOST_TYPES));
  const types = Int32Array.from(all.filter((_, at) => at % every === 0));
  const count = channel.outputIds.length;
  const places = new Map(Array.from(channel.outputIds, (id, place) => [id, place]));
  const stays: number[] = [];
  const outputs: number[] = [];
  for (let at = 0; at < types.length; at += BATCH) {
    const batch = types.subarray(at, at + BATCH);
    const rows = await channel.outputs(batch, turns);
    for (const [row, type] of batch.entries()) {
      const own = places.get(type);
      stays.push(own === undefined ? 0 : rows[row * count + own]!);
      // Expected number of different outputs in DRAWS draws.
      let expected = 0;
      for (let place = row * count; place < (row + 1) * count; place++) expected += 1 - (1 - rows[place]!) ** DRAWS;
      outputs.push(expected);
      await turns.next();
    }
  }
  return { types: stays.length, draws: DRAWS, staysItself: quantiles(stays), differentOutputs: quantiles(outputs) };
}
