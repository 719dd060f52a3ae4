/** How long a text may be for the positions of a backbone, beside everything else that stands in them. */
import {
  maxSequence,
  readBackboneConfig,
  readFrameIds,
  type FrameIds,
  type PublicBackbone,
} from '../backbone/index.ts';
import type { Row } from '../data/index.ts';
import { keptTokens } from '../release/index.ts';

export interface Room {
  /** Of the backbone. */
  readonly positions: number;
  /** How many tokens of a text have room. Below 0 when the rest alone is too long. */
  readonly tokens: number;
  /** What stands beside the text, in words. */
  readonly beside: string;
}

/** What stands beside a text. */
export interface Sequence {
  /** Virtual tokens: the prompt's length. */
  readonly length: number;
  readonly plainTokens: number;
  /** Whether the text is a pair, which has more special tokens. */
  readonly pair: boolean;
}

export function roomForText(folder: string, { length, plainTokens, pair }: Sequence): Room {
  const positions = maxSequence(readBackboneConfig(folder));
  const frame = frameLength(readFrameIds(folder), pair);
  const counts = [`${length} virtual`, ...(plainTokens > 0 ? [`${plainTokens} plain`] : []), `${frame} special`];
  return { positions, tokens: positions - length - plainTokens - frame, beside: `${counts.join(', ')} tokens` };
}

/** Special tokens around a text, or around a pair and between its texts. */
export const frameLength = ({ doubleSeparator }: FrameIds, pair: boolean): number =>
  2 + (pair ? (doubleSeparator ? 2 : 1) : 0);

/** Tokens of a row, both texts of a pair together, as far as they are kept. */
export function keptLength(row: Row, tokenizer: PublicBackbone['tokenizer'], most: number): number {
  const { text, pair } = keptTokens(row, tokenizer, most);
  return text.length + pair.length;
}
