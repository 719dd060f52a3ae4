/** The release that a trained adapter answers: one table, no labels, plain tokens as in training. */
import type { AdapterCard, ReleaseManifest } from '../../contracts/index.ts';
import { readTable } from '../data/index.ts';
import type { Row, TableColumns } from '../data/index.ts';
import { draw, type DrawnRelease } from './draw.ts';
import type { DrawOptions } from './draw-options.ts';
import type { InputFile } from './inputs.ts';
import { trainedPlainTokens } from './plain-tokens.ts';
import { ReleaseSpec } from './spec.ts';

/** What an adapter is asked. */
export interface Question {
  readonly tenant: string;
  readonly card: AdapterCard;
  readonly input: InputFile;
  /** The label column is not read: labels are joined with the answers on the client. */
  readonly columns: TableColumns;
  readonly backbone: ReleaseManifest['backbone'];
}

export interface PredictionReleaseOptions extends DrawOptions, Question {
  /** Rows of the table, from `inspectTable`. */
  readonly rows: number;
}

/** Draws, finishes or finds the release of a prediction. @throws as `draw`. */
export async function drawPrediction(options: PredictionReleaseOptions): Promise<DrawnRelease> {
  const { input, columns, rows } = options;
  const read = (): AsyncIterable<Row> => readTable(input.path, { text: columns.text, pair: columns.pair });
  return draw(predictionSpec(options), [{ split: 'test', rows, read }], [input], options);
}

/** What decides the release of a prediction: the same table asked of the same adapter's settings is not drawn twice. */
export const predictionSpec = ({ tenant, card, input, columns, backbone }: Question): ReleaseSpec =>
  new ReleaseSpec({
    tenant,
    rows: { purpose: 'prediction', input },
    columns,
    pair: card.pair,
    maxTokens: card.maxTokens,
    backbone,
    drawnBy: card.guarantee,
    plain: trainedPlainTokens(card.plain),
    labelEpsilon: null,
    classes: card.classes,
    classCounts: card.classes.map(() => 0),
  });
