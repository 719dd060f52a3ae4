/** Rows privatized in memory, for answers that nobody else sees. */
import type { AdapterCard } from '../../contracts/index.ts';
import type { Tokenizer } from '../backbone/index.ts';
import type { Row } from '../data/index.ts';
import { systemRandom, type Mechanism } from '../privacy/index.ts';
import { ShardBuilder } from './builder.ts';
import { trainedPlainTokens } from './plain-tokens.ts';
import type { ShardRows } from './shard.ts';
import { keptTokens } from './truncate.ts';

/** Draws rows as the release of a prediction does, but keeps nothing: each call draws anew. */
export function drawRows(
  rows: readonly Row[],
  card: Pick<AdapterCard, 'pair' | 'plain' | 'maxTokens'>,
  mechanism: Pick<Mechanism, 'privatize' | 'batchTokens'>,
  tokenizer: Pick<Tokenizer, 'encode'>,
): ShardRows {
  const builder = new ShardBuilder({
    batchTokens: mechanism.batchTokens,
    random: systemRandom,
    pair: card.pair,
    plain: trainedPlainTokens(card.plain),
    classNumber: null,
    response: null,
  });
  const draw = (): void => builder.take(mechanism.privatize(builder.waiting()));
  for (const row of rows) if (builder.add(row, keptTokens(row, tokenizer, card.maxTokens), undefined, null)) draw();
  draw();
  return builder.finish();
}
