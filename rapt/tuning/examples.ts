import type { LabelNoise } from '../../contracts/index.ts';
import type { EncoderBatch, FrameIds } from '../backbone/index.ts';
import type { Ragged } from '../release/index.ts';

/** Privatized rows, held in memory as plain arrays. */
export interface Examples {
  readonly count: number;
  readonly text: Ragged;
  /** Second texts of a pair task. */
  readonly pair: Ragged | null;
  readonly plain: PlainTokens | null;
  /** Class of each row, or null where the labels stay with the client. */
  readonly labels: Int32Array | null;
  /** How the labels were drawn; null when they are the true labels. */
  readonly labelNoise: LabelNoise | null;
  /** The rows' numbers in the user's table. */
  readonly rows: Int32Array;
}

/** m random plain tokens for each row: privatized together with the row, and known in the clear. */
export interface PlainTokens {
  readonly perRow: number;
  /** Ids after privatization, [count * perRow]. */
  readonly noisyIds: Int32Array;
  /** Place in the reconstruction vocabulary of each true token, [count * perRow]. */
  readonly targets: Int32Array;
}

export interface Batch extends EncoderBatch {
  /** Rows of the batch as indices into the examples. */
  readonly indices: Int32Array;
  /** Plain tokens stand at positions 1 .. plainLength, right after [CLS]. */
  readonly plainLength: number;
  /** Weights of the mean over [CLS], text and [SEP]: [batch * seq], 0 at plain tokens and padding. */
  readonly poolingWeights: Float32Array;
  readonly plainTargets: Int32Array | null;
  readonly labels: Int32Array | null;
}

/** Ids of a row without its frame. */
const rowLength = ({ offsets }: Ragged, row: number): number => offsets[row + 1]! - offsets[row]!;

/** Ids of a row including its frame. */
export function sequenceLength(examples: Examples, row: number, frame: FrameIds): number {
  const plain = examples.plain?.perRow ?? 0;
  const pair = examples.pair ? rowLength(examples.pair, row) + (frame.doubleSeparator ? 2 : 1) : 0;
  return 1 + plain + rowLength(examples.text, row) + pair + 1;
}

/** Lays rows out as [CLS] plain text [SEP] (pair [SEP]), padded to the longest row of the batch. */
export function layOut(examples: Examples, indices: Int32Array, frame: FrameIds): Batch {
  const batch = indices.length;
  const plainLength = examples.plain?.perRow ?? 0;
  const lengths = Int32Array.from(indices, (row) => sequenceLength(examples, row, frame));
  const seq = lengths.reduce((longest, length) => Math.max(longest, length), 0);
  const ids = new Int32Array(batch * seq).fill(frame.pad);
  const tokenTypes = new Int32Array(batch * seq);
  const poolingWeights = new Float32Array(batch * seq);
  const plainTargets = examples.plain ? new Int32Array(batch * plainLength) : null;
  const labels = examples.labels ? new Int32Array(batch) : null;

  indices.forEach((row, place) => {
    let at = place * seq;
    const end = at + lengths[place]!;
    poolingWeights.fill(1 / (lengths[place]! - plainLength), at, end);
    poolingWeights.fill(0, at + 1, at + 1 + plainLength);
    ids[at++] = frame.cls;
    if (examples.plain) {
      ids.set(examples.plain.noisyIds.subarray(row * plainLength, (row + 1) * plainLength), at);
      plainTargets!.set(
        examples.plain.targets.subarray(row * plainLength, (row + 1) * plainLength),
        place * plainLength,
      );
      at += plainLength;
    }
    at = append(ids, at, examples.text, row);
    ids[at++] = frame.sep;
    if (examples.pair) {
      if (frame.doubleSeparator) ids[at++] = frame.sep;
      if (frame.tokenTypes) tokenTypes.fill(1, at, end);
      at = append(ids, at, examples.pair, row);
      ids[at] = frame.sep;
    }
    if (labels) labels[place] = examples.labels![row]!;
  });
  return { batch, seq, ids, lengths, tokenTypes, indices, plainLength, poolingWeights, plainTargets, labels };
}

function append(ids: Int32Array, at: number, { offsets, ids: source }: Ragged, row: number): number {
  ids.set(source.subarray(offsets[row], offsets[row + 1]), at);
  return at + offsets[row + 1]! - offsets[row]!;
}
