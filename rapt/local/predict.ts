/** Answers of a tuned adapter, in this process. */
import { BadInput, type AdapterCard } from '../../contracts/index.ts';
import { locateBackbone, openBackbone, readFrameIds } from '../backbone/index.ts';
import { createMechanism } from '../privacy/index.ts';
import { drawRows } from '../release/index.ts';
import { assertSameWeights, classifyExamples, openEncoder, readAdapter, toExamples } from '../tuning/index.ts';

/** What an adapter answers for a text. */
export interface Answer {
  /** Name of the class. */
  readonly prediction: string;
  /** Softmax probability of that class. */
  readonly probability: number;
}

/** Where the model is. */
export interface PredictorOptions {
  /** Folder or name of the model. Default: the name on the adapter's card. */
  readonly backbone?: string | undefined;
}

/** An adapter with its model in memory. */
export interface Predictor {
  readonly card: AdapterCard;
  /** The class of each text, or of each pair of texts if the adapter was tuned on pairs. Texts are privatized first,
   *  since the adapter has learned to read noisy text. So answers differ a little from call to call. Nothing leaves
   *  this process, and nothing is entered in the ledger.
   *  @throws BadInput for pairs if it was tuned on single texts, or the other way round. */
  readonly predict: (texts: readonly (string | readonly [string, string])[]) => Answer[];
  /** Frees the model's memory. */
  readonly dispose: () => void;
}

/** Opens an adapter: one that `tune` wrote, or that `rapt export` brought from a run.
 *  @param folder of the adapter.
 *  @param options where the model is.
 *  @throws RaptError notFound when the backbone is not here, corruptArtifact when the adapter cannot be read; BadInput
 *  when the backbone has other weights. */
export async function openPredictor(folder: string, { backbone: name }: PredictorOptions = {}): Promise<Predictor> {
  const { card, parameters } = readAdapter(folder);
  const { folder: model, sha256 } = await locateBackbone(name ?? card.backbone.name);
  assertSameWeights(card, sha256);
  const { tokenizer, table, outputIds } = await openBackbone(model);
  const mechanism = createMechanism({
    name: card.guarantee.mechanism,
    eta: card.guarantee.eta ?? undefined,
    table,
    outputIds,
  });
  const encoder = await openEncoder(model, card.input ?? 'released', card.guarantee);
  const frame = readFrameIds(model);
  return {
    card,
    predict(texts) {
      const rows = texts.map((text, number) => {
        const [first, second = null] = typeof text === 'string' ? [text] : text;
        if ((second === null) === card.pair)
          throw new BadInput([
            {
              where: `texts[${number}]`,
              problem: card.pair ? 'must be a pair of texts, as in training' : 'must be a single text, as in training',
            },
          ]);
        return { number, text: first, pair: second, label: null };
      });
      if (rows.length === 0) return [];
      const examples = toExamples([drawRows(rows, card, mechanism, tokenizer)], card, 'test');
      const { predicted, probability } = classifyExamples(encoder, parameters, card.method, examples, frame, {
        pooling: card.pooling,
      });
      return rows.map((_, row) => ({ prediction: card.classes[predicted[row]!]!, probability: probability[row]! }));
    },
    dispose() {
      encoder.dispose();
      mechanism.dispose();
    },
  };
}
