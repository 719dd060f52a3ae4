/** The random plain tokens that stand before a text and are privatized with it. */
import type { ReleaseManifest } from '../../contracts/index.ts';
import { uniformInteger, type RandomSource } from '../privacy/index.ts';

/** m tokens drawn anew for each row, uniformly and independently of the row, from a public vocabulary. */
export interface PlainTokens {
  readonly tokensPerRow: number;
  readonly vocabulary: Int32Array;
  /** The size that was asked for. The vocabulary is smaller where there are fewer public tokens. */
  readonly vocabularySize: number;
}

/** The plain tokens of a configuration: from the first `vocabularySize` of the public output tokens. */
export function configuredPlainTokens(
  reconstruction: { readonly plainTokens: number; readonly vocabularySize: number } | false,
  outputIds: Int32Array,
): PlainTokens | false {
  if (reconstruction === false) return false;
  const { plainTokens, vocabularySize } = reconstruction;
  return { tokensPerRow: plainTokens, vocabulary: outputIds.slice(0, vocabularySize), vocabularySize };
}

/** The plain tokens that an adapter was trained with. */
export function trainedPlainTokens(plain: ReleaseManifest['plain']): PlainTokens | false {
  if (plain === false) return false;
  const { tokensPerRow, vocabulary } = plain;
  return { tokensPerRow, vocabulary: Int32Array.from(vocabulary), vocabularySize: vocabulary.length };
}

/** As manifests and cards have them. */
export const writtenPlainTokens = (plain: PlainTokens | false): ReleaseManifest['plain'] =>
  plain === false ? false : { tokensPerRow: plain.tokensPerRow, vocabulary: [...plain.vocabulary] };

export function drawPlainTokens({ tokensPerRow, vocabulary }: PlainTokens, random: RandomSource): Int32Array {
  const ids = new Int32Array(tokensPerRow);
  for (let at = 0; at < tokensPerRow; at++) ids[at] = vocabulary[uniformInteger(random, vocabulary.length)] ?? 0;
  return ids;
}
