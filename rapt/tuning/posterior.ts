/** The frozen model's input when it knows the mechanism: instead of phi(y), the embedding of one word that may have
 *  stood there, the mean embedding of all words that may.
 *
 *    E[phi(x) | y] = sum over x of P(x|y) phi(x),   P(x|y) proportional to P(x) P(y|x)
 *
 *  P(y|x) is the public mechanism, P(x) a public prior (Zipf's law over the tokenizer's ids). The mean is a function of
 *  the released token alone, so it costs no privacy (post-processing). */
import { join } from 'node:path';
import type { Guarantee, TuningOptions } from '../../contracts/index.ts';
import { Channel, zipfPrior } from '../channel/index.ts';
import { Encoder, loadEmbeddingTable, loadTokenizer } from '../backbone/index.ts';
import { cachedNumbers } from '../cache.ts';
import { outputVocabulary, type EmbeddingTable } from '../privacy/index.ts';
import { tf, tidy, type Tensor1D, type Tensor2D } from '../tensorflow.ts';
import { Turns } from '../turns.ts';

/** Outputs whose means are computed together. */
const BLOCK = 512;

/** The frozen model for a release that was drawn under this guarantee. @param folder of the backbone. */
export async function openEncoder(
  folder: string,
  input: TuningOptions['input'],
  { mechanism, eta }: Pick<Guarantee, 'mechanism' | 'eta'>,
): Promise<Encoder> {
  if (input === 'released' || mechanism === 'none' || eta === null) return new Encoder(folder);
  const { tokens, specialIds } = await loadTokenizer(folder);
  return new Encoder(
    folder,
    await posteriorEmbeddings(loadEmbeddingTable(folder), outputVocabulary(tokens, specialIds), mechanism, eta),
  );
}

/** The table with E[phi(x)|y] in the rows of the outputs, and other rows unchanged, [rows, dimensions]. The first call
 *  goes over all pairs of tokens; the result is kept in the cache, since it depends on table, mechanism and eta
 *  alone. */
export function posteriorEmbeddings(
  table: EmbeddingTable,
  outputIds: Int32Array,
  mechanism: 'exponential' | 'laplace',
  eta: number,
  tileRows?: number,
): Promise<Float32Array> {
  return cachedNumbers(
    join('posteriors', `${table.sha256}-${outputIds.length}-${mechanism}-${eta}.f32`),
    table.values.length,
    Float32Array,
    async () => {
      const prior = zipfPrior(table.rows, outputIds);
      const channel = await Channel.create({ mechanism, eta, table, outputIds, prior, tileRows });
      const logPrior = tf.tensor1d(Float32Array.from(prior, Math.log));
      const means = table.values.slice();
      const turns = new Turns();
      try {
        for (let at = 0; at < outputIds.length; at += BLOCK) {
          const block = outputIds.slice(at, at + BLOCK);
          const values = await meansOf(block, channel, logPrior, turns);
          block.forEach((y, row) =>
            means.set(values.subarray(row * table.dimensions, (row + 1) * table.dimensions), y * table.dimensions),
          );
        }
      } finally {
        logPrior.dispose();
        channel.dispose();
      }
      return means;
    },
  );
}

/** E[phi(x)|y] of a block of outputs, [block, dimensions]. Each tile of a large table has a mean of its own, which
 *  counts in proportion to the likelihood of its tokens. */
async function meansOf(block: Int32Array, channel: Channel, logPrior: Tensor1D, turns: Turns): Promise<Float32Array> {
  const means: Tensor2D[] = [];
  const likelihoods: Tensor2D[] = [];
  try {
    for (const tile of channel.tiles.inTurn()) {
      const [mean, likelihood] = tidy(() => {
        const scores = tf.add<Tensor2D>(
          channel.logLikelihood(block, tile),
          tf.slice(logPrior, tile.start, tile.end - tile.start),
        );
        return [
          tf.matMul<Tensor2D>(tf.softmax<Tensor2D>(scores), tile.rows),
          tf.logSumExp<Tensor2D>(scores, 1, true),
        ] as const;
      });
      means.push(mean);
      likelihoods.push(likelihood);
      await turns.next();
    }
    if (means.length === 1) return means[0]!.dataSync<'float32'>();
    const whole = tidy(() => {
      const shares = tf.softmax(tf.concat(likelihoods, 1));
      return tf.addN(means.map((mean, tile) => tf.mul(mean, tf.slice(shares, [0, tile], [block.length, 1]))));
    });
    const values = whole.dataSync<'float32'>();
    whole.dispose();
    return values;
  } finally {
    for (const tensor of [...means, ...likelihoods]) tensor.dispose();
  }
}
