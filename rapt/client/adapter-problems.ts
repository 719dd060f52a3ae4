/** Whether an adapter can be asked about texts: there is room for them, and its answer is a number. */
import type { AdapterCard, InputProblem } from '../../contracts/index.ts';
import { Encoder, readFrameIds, type PublicBackbone } from '../backbone/index.ts';
import type { Row } from '../data/index.ts';
import { dryAnswer, type Parameters } from '../tuning/index.ts';
import { keptLength, roomForText, type Room } from './text-room.ts';

/** A tuned adapter's own settings. */
type Asked = Pick<AdapterCard, 'length' | 'plain' | 'pair' | 'maxTokens'>;

const roomBeside = (folder: string, { length, plain, pair }: Asked): Room =>
  roomForText(folder, { length, plainTokens: plain === false ? 0 : plain.tokensPerRow, pair });

/** A row that is too long for an adapter, which may have been tuned on shorter ones. @param rows of the table that is
 *  asked about. @param table names it. */
export async function questionProblems(
  card: Asked,
  folder: string,
  { tokenizer }: Pick<PublicBackbone, 'tokenizer'>,
  rows: AsyncIterable<Row>,
  table: string,
): Promise<InputProblem[]> {
  const room = roomBeside(folder, card);
  if (room.tokens >= card.maxTokens) return [];
  for await (const row of rows) {
    const length = keptLength(row, tokenizer, card.maxTokens);
    if (length > room.tokens)
      return [
        {
          where: `${table}, row ${row.number}`,
          problem:
            `has ${length} tokens; the backbone has ${room.positions} positions, and ${room.beside} stand beside ` +
            `them: shorten the texts to ${room.tokens} tokens`,
        },
      ];
  }
  return [];
}

export interface ForeignAdapter {
  readonly card: Asked & Pick<AdapterCard, 'method' | 'pooling'>;
  readonly parameters: Parameters;
  readonly folder: string;
  readonly backbone: Pick<PublicBackbone, 'outputIds'>;
}

/** Whether an adapter that was trained elsewhere can be asked: it has room for the texts, and answers the longest by
 *  numbers. */
export async function adapterProblems({ card, parameters, folder, backbone }: ForeignAdapter): Promise<InputProblem[]> {
  const { positions, tokens, beside } = roomBeside(folder, card);
  if (tokens < card.maxTokens)
    return [
      {
        where: '--max-tokens',
        problem:
          `is ${card.maxTokens}; the backbone has ${positions} positions, and ${beside} stand beside the text: ` +
          (tokens < 1 ? 'nothing is left for it' : `set it to at most ${tokens}`),
      },
    ];
  const encoder = await Encoder.inTurns(folder);
  try {
    const isFinite = dryAnswer({
      encoder,
      frame: readFrameIds(folder),
      parameters,
      card,
      outputIds: backbone.outputIds,
      pair: card.pair,
      tokens: card.maxTokens,
    });
    return isFinite
      ? []
      : [
          {
            where: 'adapter',
            problem:
              'its answer to public tokens is no number: its weights, or those of the backbone, hold values that ' +
              'are none; save it again in float32',
          },
        ];
  } finally {
    encoder.dispose();
  }
}
