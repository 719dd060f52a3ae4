/** The frozen model's input when it knows the mechanism: instead of phi(y), which is one of the words that may have stood there, the mean of all that may.
 *
 *    E[phi(x) | y] = sum over x of P(x|y) phi(x),   P(x|y) proportional to P(x) P(y|x)
 *
 *  P(y|x) is the public mechanism, P(x) a public prior (Zipf's law over the tokenizer's ids). It is a function of the released token alone, so it
 *  costs no privacy (post-processing). */
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Guarantee, TuningOptions } from '../../contracts/index.ts';
import { Channel, zipfPrior } from '../attacks/index.ts';
import { Encoder, loadEmbeddingTable, loadTokenizer } from '../backbone/index.ts';
import { cachedNumbers } from '../cache.ts';
import { outputVocabulary, type EmbeddingTable } from '../privacy/index.ts';
import { tf, tidy, type Tensor2D } from '../tensorflow.ts';

const BLOCK = 512;

/** The frozen model for a release that was drawn under this guarantee. @param folder of the backbone. */
export async function openEncoder(folder: string, input: TuningOptions['input'], { mechanism, eta }: Pick<Guarantee, 'mechanism' | 'eta'>): Promise<Encoder> {
  if (input === 'released' || mechanism === 'none' || eta === null) return new Encoder(folder);
  const { tokens, specialIds } = await loadTokenizer(folder);
  return new Encoder(folder, await posteriorEmbeddings(loadEmbeddingTable(folder), outputVocabulary(tokens, specialIds), mechanism, eta));
}

/** The table with E[phi(x)|y] in the rows of the outputs; other rows as they are. [rows, dimensions]. A pass over all pairs of tokens the first time, then kept in
 *  the cache: it depends on table, mechanism and eta alone. */
export function posteriorEmbeddings(table: EmbeddingTable, outputIds: Int32Array, mechanism: 'exponential' | 'laplace', eta: number): Promise<Float32Array> {
  return cachedNumbers(join('posteriors', `${table.sha256}-${outputIds.length}-${mechanism}-${eta}.f32`), table.values.length, Float32Array, async () => {
    const prior = zipfPrior(table.rows, outputIds);
    const channel = await Channel.create({ mechanism, eta, table, outputIds, prior });
    const all = tf.tensor2d(table.values, [table.rows, table.dimensions]);
    const logPrior = tf.tensor1d(Float32Array.from(prior, Math.log));
    const means = table.values.slice();
    for (let at = 0; at < outputIds.length; at += BLOCK) {
      const block = outputIds.slice(at, at + BLOCK);
      const mean = tidy(() => tf.matMul<Tensor2D>(tf.softmax<Tensor2D>(tf.add(channel.logLikelihood(block), logPrior)), all));
      const values = mean.dataSync<'float32'>();
      mean.dispose();
      block.forEach((y, row) => means.set(values.subarray(row * table.dimensions, (row + 1) * table.dimensions), y * table.dimensions));
      await nextTurn();
    }
    for (const tensor of [all, logPrior]) tensor.dispose();
    channel.dispose();
    return means;
  });
}
