/** The release that a trained adapter answers: one table, no labels, plain tokens as in training. */
import type { AdapterCard, ReleaseManifest } from '../../contracts/index.ts';
import { readTable } from '../data/index.ts';
import type { TableColumns } from '../data/index.ts';
import { draw } from './draw.ts';
import type { DrawnRelease, DrawOptions } from './draw.ts';
import { keyedDigest } from './key.ts';
import type { InputFile } from './key.ts';

export interface PredictionReleaseOptions extends DrawOptions {
  readonly tenant: string;
  readonly card: AdapterCard;
  readonly input: InputFile;
  /** The label column is not read: labels are joined with the answers on the client. */
  readonly columns: TableColumns;
  /** Rows of the table, from `inspectTable`. */
  readonly rows: number;
  readonly backbone: ReleaseManifest['backbone'];
}

/** Draws, finishes or finds the release of a prediction. @throws as `draw`. */
export async function drawPrediction(options: PredictionReleaseOptions): Promise<DrawnRelease> {
  const { tenant, card, input, columns, rows, backbone } = options;
  const spec = {
    tenant,
    backbone,
    classes: card.classes,
    classCounts: card.classes.map(() => 0),
    labelEpsilon: null,
    pair: card.pair,
    maxTokens: card.maxTokens,
    plain:
      card.plain === false
        ? (false as const)
        : { tokensPerRow: card.plain.tokensPerRow, vocabulary: Int32Array.from(card.plain.vocabulary) },
  };
  const read = (): ReturnType<typeof readTable> => readTable(input.path, { text: columns.text, pair: columns.pair });
  return draw(spec, [{ split: 'test', rows, read }], [input], options);
}

/** As `releaseKey`, for the release of a prediction: the same table asked of the same adapter's settings is not drawn
 *  twice. */
export function predictionKey(
  tenant: string,
  card: AdapterCard,
  input: InputFile,
  columns: TableColumns,
  secret: Uint8Array,
): string {
  const { eta, mechanism } = card.guarantee;
  const determinants = {
    format: 'rapt-release/1',
    tenant,
    predict: input.sha256,
    columns: { text: columns.text, pair: columns.pair ?? null },
    tokens: card.maxTokens,
    mechanism: { name: mechanism, eta },
    backbone: card.backbone.sha256,
    plain: card.plain,
    classes: card.classes,
  };
  return keyedDigest(determinants, secret);
}
