/** Plausible deniability of single tokens (Feyisetan, Balle, Drake and Diethe, WSDM 2020): N_w = P(M(w) = w), and S_w, how many different outputs w has. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Deniability } from '../../contracts/index.ts';
import { quantiles } from '../quantiles.ts';
import type { Channel } from './channel.ts';

const MOST_TYPES = 256;
/** S_w counts the outputs that so many draws are expected to show. */
const DRAWS = 1000;

/** Over the types of the tokens given, evenly thinned; of the channel that the adversary has. */
export async function deniability(channel: Channel, tokens: Iterable<number>): Promise<Deniability> {
  const types = [...new Set(tokens)].sort((a, b) => a - b);
  const every = Math.max(1, Math.ceil(types.length / MOST_TYPES));
  const places = new Map(Array.from(channel.outputIds, (id, place) => [id, place]));
  const stays: number[] = [];
  const outputs: number[] = [];
  for (let at = 0; at < types.length; at += every) {
    const row = channel.outputs(types[at]!);
    const own = places.get(types[at]!);
    stays.push(own === undefined ? 0 : row[own]!);
    // Expected number of different outputs in DRAWS draws.
    let expected = 0;
    for (const p of row) expected += 1 - (1 - p) ** DRAWS;
    outputs.push(expected);
    if (stays.length % 16 === 0) await nextTurn();
  }
  return { types: stays.length, draws: DRAWS, staysItself: quantiles(stays), differentOutputs: quantiles(outputs) };
}
