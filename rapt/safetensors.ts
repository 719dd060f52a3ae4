/** The safetensors file format: 8 bytes little-endian header size, a JSON header, then the tensors' bytes.
 *  Source: the format section of the safetensors repository's README. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { ErrorKind, RaptError } from '../contracts/index.ts';
import { strangeModelFile } from './content.ts';
import { atOnce, type Work } from './turns.ts';

export interface FloatTensor {
  readonly shape: readonly number[];
  /** Row-major values. */
  readonly values: Float32Array;
}
export type FloatTensors = Readonly<Record<string, FloatTensor>>;

/** What a file says of a tensor before its values are read. */
export interface TensorHeader {
  readonly dtype: string;
  readonly shape: readonly number[];
}

interface Entry extends TensorHeader {
  readonly data_offsets: readonly [number, number];
}

const MAX_HEADER_BYTES = 100_000_000;
const HEADER_ALIGNMENT = 8;
/** So many bytes are read, or numbers widened, before others may have their turn. */
const PIECE_BYTES = 2 ** 24;

/** Reads the tensors of one file, each when it is asked for, so that a large file is never held as a whole. */
export class SafetensorsFile {
  readonly path: string;
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #dataStart: number;

  /** @throws RaptError corruptArtifact when the header does not fit the format or the size of the file; badInput for a
   *  file of another kind. */
  constructor(path: string) {
    this.path = path;
    const strange = strangeModelFile(path);
    if (strange !== null) throw new RaptError(ErrorKind.badInput, `${path} ${strange}`);
    const sizeBytes = statSync(path).size;
    const headerBytes = sizeBytes >= 8 ? Number(readAt(path, 0, 8).readBigUInt64LE()) : Infinity;
    if (headerBytes > MAX_HEADER_BYTES || 8 + headerBytes > sizeBytes)
      throw corrupt(path, 'its header is longer than the file');
    this.#dataStart = 8 + headerBytes;
    let header: Record<string, Entry>;
    try {
      header = JSON.parse(readAt(path, 8, headerBytes).toString('utf8')) as Record<string, Entry>;
    } catch (cause) {
      throw corrupt(path, 'its header is not JSON', cause);
    }
    this.#entries = new Map(Object.entries(header).filter(([name]) => name !== '__metadata__'));
    for (const [name, { data_offsets: range }] of this.#entries)
      if (!(range[0] >= 0 && range[0] <= range[1] && this.#dataStart + range[1] <= sizeBytes))
        throw corrupt(path, `tensor ${name} lies outside the file; it may have been cut short`);
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** What the file says of a tensor; null when there is no such tensor. */
  header(name: string): TensorHeader | null {
    return this.#entries.get(name) ?? null;
  }

  /** One tensor as float32; half-precision tensors are widened. @throws RaptError notFound, or badInput for another
   *  dtype. */
  read(name: string): FloatTensor {
    return atOnce(this.reading(name));
  }

  /** As `read`, in stretches: the embeddings of a large vocabulary have some hundreds of megabytes. */
  *reading(name: string): Work<FloatTensor> {
    const entry = this.#entries.get(name);
    if (!entry) throw new RaptError(ErrorKind.notFound, `${this.path} has no tensor ${name}`);
    const bytes = yield* readingAt(
      this.path,
      this.#dataStart + entry.data_offsets[0],
      entry.data_offsets[1] - entry.data_offsets[0],
    );
    const values = yield* toFloat32(bytes, entry.dtype);
    if (!values)
      throw new RaptError(
        ErrorKind.badInput,
        `${this.path}: tensor ${name} is ${entry.dtype}; convert the model to F32, F16 or BF16`,
      );
    if (values.length !== entry.shape.reduce((product, size) => product * size, 1))
      throw corrupt(this.path, `tensor ${name} does not have the ${entry.shape.join(' x ')} values of its shape`);
    return { shape: entry.shape, values };
  }
}

/** Reads every tensor of a file. */
export function readSafetensors(path: string): FloatTensors {
  const file = new SafetensorsFile(path);
  return Object.fromEntries(file.names.map((name) => [name, file.read(name)]));
}

/** The bytes of a file of these tensors, in the order of their names, so that equal tensors give equal bytes. */
export function encodeSafetensors(tensors: FloatTensors, metadata: Readonly<Record<string, string>> = {}): Buffer {
  const names = Object.keys(tensors).sort();
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  const blocks: Buffer[] = [];
  let offset = 0;
  for (const name of names) {
    const { shape, values } = tensors[name]!;
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + values.byteLength] };
    blocks.push(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
    offset += values.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  const padded = Math.ceil(json.length / HEADER_ALIGNMENT) * HEADER_ALIGNMENT;
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(padded));
  return Buffer.concat([size, json, Buffer.alloc(padded - json.length, ' '), ...blocks]);
}

const readAt = (path: string, position: number, length: number): Buffer => atOnce(readingAt(path, position, length));

function* readingAt(path: string, position: number, length: number): Work<Buffer> {
  // A fresh ArrayBuffer, so that typed arrays over it are aligned.
  const bytes = Buffer.from(new ArrayBuffer(length));
  const file = openSync(path, 'r');
  try {
    let done = 0;
    while (done < length) {
      const read = readSync(file, bytes, done, Math.min(PIECE_BYTES, length - done), position + done);
      if (read === 0) throw corrupt(path, 'it ends early');
      done += read;
      yield;
    }
  } finally {
    closeSync(file);
  }
  return bytes;
}

/** The kinds of numbers that can be read. */
export const READABLE_DTYPES: readonly string[] = ['F32', 'F16', 'BF16'];

function* toFloat32(bytes: Buffer, dtype: string): Work<Float32Array | null> {
  if (dtype === 'F32') return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  if (dtype !== 'F16' && dtype !== 'BF16') return null;
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) {
    bits[i] = dtype === 'BF16' ? halves[i]! << 16 : halfToFloatBits(halves[i]!);
    if (i % PIECE_BYTES === 0) yield;
  }
  return new Float32Array(bits.buffer);
}

/** Turns IEEE 754 binary16 into binary32, exactly. */
function halfToFloatBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

const corrupt = (path: string, why: string, cause?: unknown): RaptError =>
  new RaptError(ErrorKind.corruptArtifact, `${path} is not a readable safetensors file: ${why}; fetch it again`, {
    cause,
  });
