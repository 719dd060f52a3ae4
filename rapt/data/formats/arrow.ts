/** Arrow's two IPC formats: the streaming format, in which Hugging Face's `save_to_disk` writes, and the file format,
 *  which Feather has been since its second version.
 *
 *  Memory: one record batch, so the writer of the file decides. Hugging Face's library writes batches of a thousand
 *  rows, pandas of 65,536; Polars writes few large ones. */
import { buffer } from 'node:stream/consumers';
import {
  CompressionType,
  compressionRegistry,
  DataType,
  RecordBatchReader,
  TimeUnit,
  type RecordBatch,
  type Vector,
} from 'apache-arrow';
import { decompress as decompressZstd } from 'fzstd';
import { BadInput, RaptError } from '../../../contracts/index.ts';
import { scalarCells } from '../cells.ts';
import { classNamesOf, FEATURES_KEY, withClassName } from './class-names.ts';
import { instantOf } from './instants.ts';
import { decimalText } from './numbers.ts';
import type { TableFormat, TableRecord } from './table-format.ts';
import { sourceOf } from '../source.ts';

export const arrow: TableFormat = {
  async columns(file) {
    const reader = await open(file);
    try {
      return reader.schema.fields.map(({ name }) => name);
    } finally {
      await reader.cancel();
    }
  },

  async *records(file, columns, report): AsyncGenerator<TableRecord> {
    const reader = await open(file);
    const batches = reader[Symbol.asyncIterator]() as AsyncIterator<RecordBatch, undefined>;
    const classNames = classNamesOf(reader.schema.metadata.get(FEATURES_KEY));
    let before = 0;
    try {
      for (;;) {
        const { value: batch } = await batches
          .next()
          .catch(refuse(`${file}, after row ${before}`, 'cannot be read; the Arrow file is damaged'));
        if (batch === undefined) return;
        const cellsOf = columns.map((column) => cellReader(batch, column));
        for (let index = 0; index < batch.numRows; index++) {
          const place = { line: null, number: before + index };
          const cells = scalarCells(
            file,
            place,
            columns,
            (column, at) => withClassName(cellsOf[at]!(index), classNames.get(column)),
            'a list, a struct or bytes',
            report,
          );
          if (cells !== null) yield { ...place, cells, emptyLinesBefore: 0 };
        }
        before += batch.numRows;
      }
    } finally {
      await reader.cancel();
    }
  },
};

/** Reads the values of a column as what they stand for: the library gives dates as milliseconds, and decimals as words
 *  of 32 bits. */
function cellReader(batch: RecordBatch, column: string): (row: number) => unknown {
  const vector: Vector | null = batch.getChild(column);
  const valueOf = (row: number): unknown => vector?.get(row);
  const type: unknown = vector?.type;
  if (DataType.isTimestamp(type) && (type.unit === TimeUnit.MICROSECOND || type.unit === TimeUnit.NANOSECOND)) {
    const perMs = type.unit === TimeUnit.MICROSECOND ? 1000n : 1_000_000n;
    const counts = vector?.data[0]?.values as BigInt64Array;
    return (row) => (vector?.isValid(row) === true ? instantOf(counts[row]!, perMs) : null);
  }
  if (DataType.isDate(type) || DataType.isTimestamp(type)) return (row) => dateOf(valueOf(row));
  return DataType.isDecimal(type) ? (row) => decimalOf(valueOf(row), type.scale) : valueOf;
}

const dateOf = (value: unknown): unknown => (typeof value === 'number' ? new Date(value) : value);

/** @param words little-endian, in two's complement. */
function decimalOf(words: unknown, scale: number): unknown {
  if (!(words instanceof Uint32Array)) return words;
  const bits = words.reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n);
  return decimalText(BigInt.asIntN(32 * words.length, bits), scale);
}

/** A stream ends with four bytes and a length of zero, a file with the format's name. By Arrow's rules a stream may
 *  lack its ending, but then nobody could tell it from one that was cut short. */
const STREAM_ENDING = Buffer.from('ffffffff00000000', 'hex');
const FILE_MAGIC = Buffer.from('ARROW1');

async function open(file: string): Promise<RecordBatchReader> {
  const broken = refuse(file, 'is not a complete Arrow file');
  await registerCodecs();
  const source = sourceOf(file);
  const { sizeBytes, version } = (await source.stat(file)) ?? { sizeBytes: 0, version: '' };
  const bytesOf = (start: number, end: number): Promise<Buffer> => buffer(source.read(file, { start, end, version }));
  const ending = sizeBytes < 16 ? Buffer.alloc(0) : await bytesOf(sizeBytes - 8, sizeBytes);
  const isFile = ending.subarray(2).equals(FILE_MAGIC) && (await bytesOf(0, FILE_MAGIC.length)).equals(FILE_MAGIC);
  if (!isFile && !ending.equals(STREAM_ENDING)) broken(undefined);
  // Given a file handle, the library finds the parts of the file by its footer; else it reads the whole file into
  // memory.
  const handle = {
    fd: -1,
    stat: () => Promise.resolve({ size: sizeBytes }),
    read: readInto,
    close: () => Promise.resolve(),
  };
  async function readInto(
    target: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number; buffer: Uint8Array }> {
    const bytes = await bytesOf(position, Math.min(sizeBytes, position + length));
    target.set(bytes, offset);
    return { bytesRead: bytes.length, buffer: target };
  }
  const opened = async (): Promise<RecordBatchReader> => {
    // The library calls no other functions of a file handle than these.
    const reader = isFile
      ? await RecordBatchReader.from(handle as unknown as Parameters<typeof RecordBatchReader.from>[0])
      : await RecordBatchReader.from(source.read(file));
    return reader.open({ autoDestroy: false });
  };
  const reader = await opened().catch(broken);
  // Bytes that are not Arrow's are read as a stream without a schema.
  return (reader.schema as unknown) === undefined ? broken(undefined) : reader;
}

/** The codecs by which pandas (LZ4) and Polars (zstd) compress. The library wants memory of its own, aligned to eight
 *  bytes. */
async function registerCodecs(): Promise<void> {
  if (compressionRegistry.get(CompressionType.LZ4_FRAME) !== null) return;
  const { decompressFrameSync } = await import('lz4-napi');
  compressionRegistry.set(CompressionType.ZSTD, { decode: (bytes) => Uint8Array.from(decompressZstd(bytes)) });
  compressionRegistry.set(CompressionType.LZ4_FRAME, {
    decode: (bytes) =>
      Uint8Array.from(decompressFrameSync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))),
  });
}

/** The library's own messages may quote the file. */
const refuse =
  (where: string, problem: string) =>
  (error: unknown): never => {
    throw error instanceof RaptError ? error : new BadInput([{ where, problem }]);
  };
