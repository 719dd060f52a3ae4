/** Tries the model out before there is a release, on rows that are as long as the longest row will be. They say
 *  nothing, since all of their tokens are public. */
import {
  ErrorKind,
  RaptError,
  type AdapterCard,
  type LabelNoise,
  type Sha256,
  type TuningOptions,
} from '../../contracts/index.ts';
import type { Encoder, FrameIds } from '../backbone/index.ts';
import type { EmbeddingTable } from '../privacy/index.ts';
import type { Ragged } from '../release/index.ts';
import { classifyExamples } from './classifier.ts';
import type { Examples } from './examples.ts';
import { layerWeights } from './memory.ts';
import { initialParameters, promptStart, type Parameters } from './parameters.ts';
import { Trainer } from './trainer.ts';

/** The most products of a weight and a state that the forward pass of a dry step takes: with the backward pass a second
 *  or two on any machine. More rows would tell nothing more, since each goes through the model by itself; the memory of
 *  a whole batch is computed instead (memory.ts). */
const MOST_PRODUCTS = 2 ** 33;

/** What the rows are made of. */
interface PublicRows {
  readonly outputIds: Int32Array;
  readonly pair: boolean;
  /** Tokens of each row, both texts of a pair together. */
  readonly tokens: number;
}

export interface DryStep extends PublicRows {
  readonly encoder: Encoder;
  readonly frame: FrameIds;
  readonly table: EmbeddingTable;
  readonly options: TuningOptions;
  readonly classes: number;
  readonly labelNoise: LabelNoise | null;
  /** Rows of a batch, or as many as memory has room for. */
  readonly mostRows: number;
}

/** Takes one step of the training. @returns the number of its rows, and whether loss and gradients are finite numbers.
 *  @throws what the training would throw. */
export async function dryStep(step: DryStep): Promise<{ rows: number; finite: boolean }> {
  const { encoder, frame, table, options, classes, labelNoise, outputIds, mostRows } = step;
  const { config } = encoder;
  const { plainTokens, vocabularySize } =
    options.reconstruction === false ? { plainTokens: 0, vocabularySize: 0 } : options.reconstruction;
  const productsOfRow = config.layers * layerWeights(config) * (step.tokens + plainTokens);
  const rows = Math.max(1, Math.min(mostRows, Math.floor(MOST_PRODUCTS / productsOfRow)));
  const vocabulary = Math.min(vocabularySize, outputIds.length);
  const trainer = new Trainer({
    encoder,
    frame,
    examples: {
      ...publicExamples(step, rows, plainTokens, vocabulary),
      labels: Int32Array.from({ length: rows }, (_, row) => row % classes),
      labelNoise,
    },
    options: { ...options, batchSize: rows },
    trainingDigest: '' as Sha256,
    parameters: initialParameters({
      config,
      classes,
      reconstructionVocabulary: vocabulary,
      options,
      ...(options.method === 'prompt' && { promptStart: promptStart(table, options) }),
    }),
  });
  try {
    await trainer.next();
    return { rows, finite: true };
  } catch (error) {
    if (!(error instanceof RaptError) || error.kind !== ErrorKind.diverged) throw error;
    return { rows, finite: false };
  }
}

export interface DryAnswer extends PublicRows {
  readonly encoder: Encoder;
  readonly frame: FrameIds;
  readonly parameters: Parameters;
  readonly card: Pick<AdapterCard, 'method' | 'pooling'>;
}

/** Asks an adapter about one row. @returns whether its logits are finite numbers. */
export function dryAnswer({ encoder, frame, parameters, card: { method, pooling }, ...row }: DryAnswer): boolean {
  const examples = publicExamples(row, 1, 0, 0);
  const { logits } = classifyExamples(encoder, parameters, method, examples, frame, { pooling });
  return logits.every(Number.isFinite);
}

/** Tokens from all over the public vocabulary, its last one among them. */
function publicExamples(
  { outputIds, pair, tokens }: PublicRows,
  rows: number,
  plainTokens: number,
  vocabulary: number,
): Examples {
  const stride = Math.max(1, Math.floor(outputIds.length / (rows * Math.max(1, tokens))));
  let next = outputIds.length - 1 + stride;
  const publicId = (): number => {
    next = (next - stride + outputIds.length) % outputIds.length;
    return outputIds[next]!;
  };
  const texts = (length: number): Ragged => ({
    offsets: Int32Array.from({ length: rows + 1 }, (_, row) => row * length),
    ids: Int32Array.from({ length: rows * length }, publicId),
  });
  const first = pair ? Math.ceil(tokens / 2) : tokens;
  return {
    count: rows,
    text: texts(first),
    pair: pair ? texts(tokens - first) : null,
    plain:
      plainTokens === 0
        ? null
        : {
            perRow: plainTokens,
            noisyIds: texts(plainTokens).ids,
            targets: Int32Array.from({ length: rows * plainTokens }, (_, at) => at % vocabulary),
          },
    labels: null,
    labelNoise: null,
    rows: Int32Array.from({ length: rows }, (_, row) => row),
  };
}
