/** A vocabulary as large as XLM-R's, and texts in it. */
import { once } from 'node:events';
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { drawFrom } from '../rapt/channel/index.ts';
import { seededRandom, type EmbeddingTable } from '../rapt/privacy/index.ts';
import { sha256Of } from '../system/index.ts';

export const DIMENSIONS = 768;
/** Tokens of a tokenizer that stand for no word. */
const SPECIAL_TOKENS = 4;
/** Tokens that occur in the texts: one language uses only a part of a multilingual vocabulary. */
const USED_TOKENS = 30_000;
const CLUSTERS = 1000;
const [LEAST_TOKENS, MOST_TOKENS] = [10, 40];

/** Marsaglia's xorshift (Journal of Statistical Software 8(14), 2003): a table is no secret, and has 192 million
 *  values. @returns about normal, of variance 1. */
function noise(seed: number): () => number {
  let state = seed;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  return () => (next() + next() + next() - 1.5) * 2;
}

/** Writes a table with the features of real ones: a mean that all rows share, clusters of related tokens, and norms
 *  that differ. */
export function writeTable(path: string, rows: number): void {
  const random = noise(7);
  const scale = 1 / Math.sqrt(DIMENSIONS);
  const mean = Float32Array.from({ length: DIMENSIONS }, () => 0.4 * scale * random());
  const centres = Float32Array.from({ length: CLUSTERS * DIMENSIONS }, () => 0.5 * scale * random());
  const values = new Float32Array(rows * DIMENSIONS);
  for (let row = 0; row < rows; row++) {
    const norm = Math.exp(0.15 * random());
    const centre = (row % CLUSTERS) * DIMENSIONS;
    for (let i = 0; i < DIMENSIONS; i++)
      values[row * DIMENSIONS + i] = norm * (mean[i]! + centres[centre + i]! + scale * random());
  }
  writeFileSync(path, values);
}

export function readTable(path: string): { table: EmbeddingTable; outputIds: Int32Array } {
  const bytes = readFileSync(path);
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const rows = values.length / DIMENSIONS;
  return {
    table: { values, rows, dimensions: DIMENSIONS, sha256: sha256Of(bytes) },
    outputIds: Int32Array.from({ length: rows - SPECIAL_TOKENS }, (_, place) => place + SPECIAL_TOKENS),
  };
}

/** Writes texts whose words are the ids of tokens, which are as frequent as Zipf's law says. @returns how many tokens
 *  the texts have. */
export async function writeTexts(path: string, rows: number, texts: number): Promise<number> {
  const random = seededRandom(3);
  const used = Math.min(USED_TOKENS, rows - SPECIAL_TOKENS);
  const ranks = Float64Array.from({ length: used }, (_, rank) => 1 / (rank + 3.7));
  const step = Math.floor((rows - SPECIAL_TOKENS) / used);
  const file = createWriteStream(path);
  file.write('text\n');
  const lengthOf = (text: number): number => LEAST_TOKENS + (text % (MOST_TOKENS - LEAST_TOKENS + 1));
  const tokens = Array.from({ length: texts }, (_, text) => lengthOf(text)).reduce((sum, length) => sum + length, 0);
  const drawn = drawFrom(ranks, tokens, random);
  for (let text = 0, at = 0; text < texts; at += lengthOf(text++)) {
    const ids = drawn.subarray(at, at + lengthOf(text)).map((rank) => SPECIAL_TOKENS + rank * step);
    if (!file.write(`${ids.join(' ')}\n`)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
  return tokens;
}

/** The tokenizer of these texts. */
export const tokenizer = {
  encode: (text: string, maxTokens: number): Int32Array => Int32Array.from(text.split(' ', maxTokens), Number),
  decode: (ids: ArrayLike<number>): string => Array.from(ids).join(' '),
};
