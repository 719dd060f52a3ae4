/** What else must not leave besides texts: noise, noisy embeddings, the labels of test rows, the client's key, and
 *  digests by which a guess could be confirmed. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { EmbeddingTable } from '../../../rapt/privacy/index.ts';
import { whole, windowsOf, type Windows } from './marker-index.ts';

/** Coordinates that stand one after the other in what is searched for. By chance so many do not agree: a coordinate has
 *  23 random bits as float32, 52 as float64, and some 14 as a decimal. */
const COORDINATES = { float32: 3, float64: 2, decimal: 4 } as const;
/** Labels in a row. Those of the hunt are drawn at random from three classes, so that a guess is right in 24 places
 *  once in 10^11. */
const LABELS = 24;
/** Of labels in a row that are those of test rows only in part: enough for the others to say nothing. */
const MIXED_LABELS = 48;
/** Decimals are compared to four places, however many are written. */
const DECIMAL_PLACES = 1e4;

/** Points that the laplace mechanism looked up, as capture.mjs writes them down: for each the token's id and its
 *  noisy embedding. */
export interface NoisyPoints {
  readonly ids: readonly number[];
  /** [points, dimensions], row-major. */
  readonly embeddings: Float64Array;
}

export function readNoisyPoints(file: string, { dimensions }: EmbeddingTable): NoisyPoints {
  const bytes = readFileSync(file);
  const numbers = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const count = numbers.length / (1 + dimensions);
  const embeddings = new Float64Array(count * dimensions);
  const ids: number[] = [];
  for (let point = 0; point < count; point++) {
    const at = point * (1 + dimensions);
    ids.push(numbers[at]!);
    embeddings.set(numbers.subarray(at + 1, at + 1 + dimensions), point * dimensions);
  }
  return { ids, embeddings };
}

/** q - phi(x) of each point. */
export function noiseOf({ ids, embeddings }: NoisyPoints, { values, dimensions }: EmbeddingTable): Float64Array {
  return embeddings.map(
    (value, at) => value - values[ids[Math.floor(at / dimensions)]! * dimensions + (at % dimensions)]!,
  );
}

/** Needles for each run of coordinates of each vector. @param vectors [count, dimensions], row-major. */
export function vectorNeedles(what: string, vectors: Float64Array, { dimensions }: EmbeddingTable): Windows[] {
  const within =
    (count: number) =>
    (coordinate: number): boolean =>
      (coordinate % dimensions) + count <= dimensions;
  const needles = (form: keyof typeof COORDINATES, array: Float32Array | Float64Array | Int32Array): Windows => {
    const count = COORDINATES[form];
    return windowsOf(`${what} as ${form}`, new Uint8Array(array.buffer), {
      size: array.BYTES_PER_ELEMENT,
      count,
      from: within(count),
    });
  };
  return [
    needles('float32', Float32Array.from(vectors)),
    needles('float64', vectors),
    needles('decimal', Int32Array.from(vectors, quantized)),
  ];
}

const quantized = (value: number): number => Math.round(value * DECIMAL_PLACES);

/** The decimals of a text, whatever stands between them, as `vectorNeedles` has them. */
export function decimalsIn(text: string): Uint8Array {
  const found = Int32Array.from(text.matchAll(/-?\d+\.\d{4,}(?:e[+-]?\d+)?/gi), ([number]) =>
    quantized(Number(number)),
  );
  return new Uint8Array(found.buffer);
}

/** Needles for each run of a sequence of class numbers. */
export const labelNeedles = (what: string, labels: readonly number[]): Windows[] =>
  runsOf(what, labels, LABELS, () => true);

/** Needles for runs of a table's labels that have one of a test row in their middle. The runs of the training rows,
 *  which cross, do not; and of a run of theirs that has one more label in its middle, 16 at least would have to be
 *  right by chance. */
export function mixedLabelNeedles(
  what: string,
  labels: readonly number[],
  isTest: (row: number) => boolean,
): Windows[] {
  const middle = Array.from({ length: MIXED_LABELS / 3 }, (_, at) => MIXED_LABELS / 3 + at);
  return runsOf(what, labels, MIXED_LABELS, (row) => middle.some((at) => isTest(row + at)));
}

function runsOf(what: string, labels: readonly number[], count: number, fits: (row: number) => boolean): Windows[] {
  // A needle that begins with zeros would be looked at wherever there are zeros.
  const from = (row: number): boolean => labels[row] !== 0 && fits(row);
  const needles = (
    form: string,
    array: Uint8Array | Int16Array | Int32Array | BigInt64Array | Float32Array | Float64Array,
  ): Windows =>
    windowsOf(`${what} as ${form}`, new Uint8Array(array.buffer), { size: array.BYTES_PER_ELEMENT, count, from });
  return [
    needles('uint8', Uint8Array.from(labels)),
    needles(
      'digits',
      Uint8Array.from(labels, (label) => label + 48),
    ),
    needles('int16', Int16Array.from(labels)),
    needles('int32', Int32Array.from(labels)),
    needles('int64', BigInt64Array.from(labels, BigInt)),
    needles('float32', Float32Array.from(labels)),
    needles('float64', Float64Array.from(labels)),
  ];
}

/** The labels in a text, as numbers or by their names, whatever stands between them: a byte for each. */
export function labelsIn(text: string, classes: readonly string[]): Uint8Array {
  const tokens = [...classes, ...classes.keys()].join('|');
  const found = text.matchAll(new RegExp(`(?<![\\w.])(?:${tokens})(?![\\w.])`, 'g'));
  return Uint8Array.from(found, ([token]) => (classes.includes(token) ? classes.indexOf(token) : Number(token)));
}

/** Needles for a secret, as it is written in files and messages. */
export function secretNeedles(what: string, secret: Uint8Array): Windows[] {
  const bytes = Buffer.from(secret);
  const [hex, base64] = [bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, '')];
  return [
    bytes,
    Buffer.from(hex),
    Buffer.from(hex.toUpperCase()),
    Buffer.from(base64),
    Buffer.from(bytes.toString('base64url')),
  ].map((written) => whole(what, written));
}

/** Needles for the plain digests of something that can be guessed. */
export const digestNeedles = (what: string, content: string | Uint8Array): Windows[] =>
  ['sha256', 'sha1', 'md5'].flatMap((hash) =>
    secretNeedles(`${hash} of ${what}`, createHash(hash).update(content).digest()),
  );

/** Needles for a text's digest as the ledger has it, under the client's key. */
export function keyedDigestNeedles(digest: bigint): Windows[] {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(digest);
  return [
    ...secretNeedles('keyed digest of a text', bytes),
    whole('keyed digest of a text', Buffer.from(bytes).reverse()),
  ];
}
