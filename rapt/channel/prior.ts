/** Which tokens the adversary expects before they look at a place of a text: P(x) for every token of the table. */
import { tf, tidy, type Tensor1D, type Tensor2D } from '../tensorflow.ts';
import { Turns } from '../turns.ts';
import type { Channel } from './channel.ts';
import type { Tile } from './tiles.ts';

/** Mandelbrot's shift in Zipf's law (1953). */
const SHIFT = 2.7;
/** A prior is estimated from so many of the most frequent released tokens, and from so many that stand for the
 *  others. */
const FREQUENT_OUTPUTS = 3072;
const RARE_OUTPUTS = 1024;
/** Few iterations, because by likelihood alone a few tokens would come to explain everything. A deconvolution is
 *  stopped early for the same reason. */
const EM_ITERATIONS = 8;
/** The start keeps this share of the answer, so that a token which was near no output stays possible. */
const KEPT_OF_START = 0.1;
const BLOCK = 512;
/** So many bytes of likelihoods are kept from one iteration to the next, and the others are computed again in each.
 *  They hold all likelihoods for a table of 131,072 tokens. */
const KEPT_BYTES = 2 ** 31;

/** Zipf's law over the tokenizer's ids, since WordPiece and BPE vocabularies are roughly ordered by frequency. Tokens
 *  that are not outputs get next to nothing. */
export function zipfPrior(rows: number, outputIds: Int32Array): Float64Array {
  const prior = new Float64Array(rows).fill(1e-9);
  outputIds.forEach((id, rank) => (prior[id] = 1 / (rank + 1 + SHIFT)));
  return normalized(prior);
}

/** Relative frequencies in public texts, smoothed with another prior.
 *  @param weight how many tokens the other prior counts. */
export function countedPrior(texts: readonly Int32Array[], other: Float64Array, weight = 1000): Float64Array {
  const prior = other.map((p) => p * weight);
  for (const text of texts) for (const id of text) prior[id]!++;
  return normalized(prior);
}

/** The prior under which the released tokens are likeliest, found by expectation maximization from a start (Dempster,
 *  Laird and Rubin, JRSS B 39, 1977; for a known channel it is Richardson and Lucy's deconvolution):
 *
 *      P(x) <- P(x) sum over y of n(y)/N P(y|x) / sum over x' P(x') P(y|x')
 *
 *  The provider holds all that this takes. Each iteration is one pass over the tiles of the table: the likelihoods of a
 *  tile give its part of the new prior, and then its part of the sums over x' under the new prior.
 *  @param released token ids.
 *  @throws the reason of the turns' signal, when it is aborted. */
export async function estimatedPrior(
  channel: Channel,
  released: Int32Array,
  start: Float64Array,
  turns = new Turns(),
  keptBytes = KEPT_BYTES,
): Promise<Float64Array> {
  const { ids, counts } = representatives(released, channel.table.rows);
  const share = counts.map((count) => count / counts.reduce((sum, other) => sum + other, 0));
  const blocks = Array.from({ length: Math.ceil(ids.length / BLOCK) }, (_, index) =>
    ids.slice(index * BLOCK, (index + 1) * BLOCK),
  );
  const weights = blocks.map((block, index) =>
    tf.tensor2d(share.slice(index * BLOCK, (index + 1) * BLOCK), [block.length, 1]),
  );
  const likelihoods = new Likelihoods(channel, blocks, keptBytes);
  const prior = Float32Array.from(start);
  // The sums over x', block by block. [ys, 1]
  let expected: Tensor2D[] = [];
  try {
    for (let iteration = 0; iteration <= EM_ITERATIONS; iteration++) {
      const sums: Tensor2D[] = [];
      for (const tile of channel.tiles.inTurn()) {
        const likelihood = await likelihoods.of(tile, turns);
        try {
          if (iteration > 0)
            prior.set(improved(prior.subarray(tile.start, tile.end), likelihood, weights, expected), tile.start);
          await turns.next();
          if (iteration < EM_ITERATIONS) addSums(sums, prior.slice(tile.start, tile.end), likelihood);
        } finally {
          likelihoods.free(tile);
        }
        await turns.next();
      }
      expected.forEach((tensor) => tensor.dispose());
      expected = sums;
    }
  } finally {
    likelihoods.dispose();
    for (const tensor of [...weights, ...expected]) tensor.dispose();
  }
  return normalized(Float64Array.from(prior, (p, id) => (1 - KEPT_OF_START) * p + KEPT_OF_START * start[id]!));
}

/** A tile's part of the next, likelier prior. */
function improved(
  prior: Float32Array,
  likelihood: readonly Tensor2D[],
  weights: readonly Tensor2D[],
  expected: readonly Tensor2D[],
): Float32Array {
  const next = tidy(() => {
    const gathered = likelihood.map((block, index) =>
      tf.matMul<Tensor2D>(block, tf.div<Tensor2D>(weights[index]!, tf.add(expected[index]!, 1e-30)), true, false),
    ); //  [inputs, 1]
    return tf.mul<Tensor1D>(tf.tensor1d(prior.slice()), tf.reshape(tf.addN(gathered), [prior.length]));
  });
  const values = next.dataSync<'float32'>();
  next.dispose();
  return values;
}

/** Adds a tile's part of the sum over x' P(x') P(y|x') for each y. */
function addSums(sums: Tensor2D[], prior: Float32Array, likelihood: readonly Tensor2D[]): void {
  for (const [index, block] of likelihood.entries()) {
    const before = sums[index];
    sums[index] = tidy(() => {
      const part = tf.matMul<Tensor2D>(block, tf.tensor2d(prior, [prior.length, 1])); //  [ys, 1]
      return before === undefined ? part : tf.add(before, part);
    });
    before?.dispose();
  }
}

/** P(y|x) for blocks of outputs y, one tile of inputs x after the other. Keeps as many tiles as fit. */
class Likelihoods {
  readonly #channel: Channel;
  readonly #blocks: readonly Int32Array[];
  readonly #kept = new Map<number, readonly Tensor2D[]>();
  readonly #keptBytes: number;
  #bytes = 0;
  #passing: Tensor2D[] = [];

  constructor(channel: Channel, blocks: readonly Int32Array[], keptBytes: number) {
    this.#channel = channel;
    this.#blocks = blocks;
    this.#keptBytes = keptBytes;
  }

  /** The likelihoods of one tile, a tensor [ys, inputs] for each block. Free them before the next tile. */
  async of(tile: Tile, turns: Turns): Promise<readonly Tensor2D[]> {
    const kept = this.#kept.get(tile.index);
    if (kept !== undefined) return kept;
    for (const block of this.#blocks) {
      this.#passing.push(tidy(() => tf.exp(this.#channel.logLikelihood(block, tile))));
      await turns.next();
    }
    const bytes = this.#passing.reduce((sum, { size }) => sum + 4 * size, 0);
    if (this.#bytes + bytes > this.#keptBytes) return this.#passing;
    this.#bytes += bytes;
    const made = this.#passing;
    this.#kept.set(tile.index, made);
    this.#passing = [];
    return made;
  }

  free(tile: Tile): void {
    if (this.#kept.has(tile.index)) return;
    for (const tensor of this.#passing) tensor.dispose();
    this.#passing = [];
  }

  dispose(): void {
    for (const tensor of [...this.#passing, ...[...this.#kept.values()].flat()]) tensor.dispose();
  }
}

/** The frequent released tokens with their counts, and an even sample of the others, each of which counts for
 *  several. */
function representatives(released: Int32Array, rows: number): { ids: Int32Array; counts: Float32Array } {
  const times = new Int32Array(rows);
  for (const id of released) times[id]!++;
  const counts: (readonly [id: number, count: number])[] = [];
  for (let id = 0; id < rows; id++) if (times[id]! > 0) counts.push([id, times[id]!]);
  const sorted = counts.sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  const frequent = sorted.slice(0, FREQUENT_OUTPUTS);
  const others = sorted.slice(FREQUENT_OUTPUTS).sort((a, b) => a[0] - b[0]);
  const every = Math.max(1, Math.ceil(others.length / RARE_OUTPUTS));
  const sampled = others.filter((_, at) => at % every === 0);
  const scale = sum(others) / Math.max(1, sum(sampled));
  return {
    ids: Int32Array.from([...frequent, ...sampled], ([id]) => id),
    counts: Float32Array.from([...frequent.map(([, count]) => count), ...sampled.map(([, count]) => count * scale)]),
  };
}

const sum = (entries: readonly (readonly [number, number])[]): number =>
  entries.reduce((total, [, count]) => total + count, 0);

function normalized(values: Float64Array): Float64Array {
  const total = values.reduce((sum, value) => sum + value, 0);
  return values.map((value) => value / total);
}
