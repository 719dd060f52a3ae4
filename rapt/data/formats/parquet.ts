/** Parquet, compressed by any codec. Memory: the wanted columns of one row group, so the writer of the file decides.
 *  Row groups of DuckDB have 122,880 rows, those of pandas 1,048,576. */
import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import type { AsyncBuffer, FileMetaData, SchemaElement } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { BadInput, RaptError } from '../../../contracts/index.ts';
import { scalarCells } from '../cells.ts';
import { classNamesOf, FEATURES_KEY, withClassName } from './class-names.ts';
import { instantOf } from './instants.ts';
import { decimalText } from './numbers.ts';
import type { TableFormat, TableRecord } from './table-format.ts';
import { sourceOf } from '../source.ts';

export const parquet: TableFormat = {
  async columns(file) {
    const { metadata } = await open(file);
    return parquetSchema(metadata).children.map((child) => child.element.name);
  },

  async *records(file, columns, report): AsyncGenerator<TableRecord> {
    const { buffer, metadata: described } = await open(file);
    const { metadata, decimals } = withRawDecimals(described);
    const classNames = classNamesOf(metadata.key_value_metadata?.find(({ key }) => key === FEATURES_KEY)?.value);
    const wanted = [...new Set(columns)];
    let rowStart = 0;
    for (const group of metadata.row_groups) {
      const rowEnd = rowStart + Number(group.num_rows);
      const rows = await parquetReadObjects({
        file: buffer,
        metadata,
        columns: wanted,
        rowStart,
        rowEnd,
        compressors,
        parsers: PARSERS,
      }).catch((error: unknown) => {
        if (error instanceof RaptError) throw error;
        throw new BadInput([
          {
            where: `${file}, rows ${rowStart + 1} to ${rowEnd}`,
            problem: 'cannot be read; the Parquet file is damaged',
          },
        ]);
      });
      for (const [index, row] of rows.entries()) {
        const place = { line: null, number: rowStart + index };
        const valueOf = (column: string): unknown =>
          withClassName(decimalOf(row[column], decimals.get(column)), classNames.get(column));
        const cells = scalarCells(file, place, columns, valueOf, 'a list, a struct or bytes', report);
        if (cells !== null) yield { ...place, cells, emptyLinesBefore: 0 };
      }
      rowStart = rowEnd;
    }
  },
};

/** The library multiplies decimals by a power of ten as floating-point numbers, which is not exact: 3 hundredths may
 *  become 0.030000000000000002. If their type is called by another name, it gives the digits as they are stored. */
function withRawDecimals(metadata: FileMetaData): { metadata: FileMetaData; decimals: ReadonlyMap<string, number> } {
  const decimals = new Map<string, number>();
  const schema = metadata.schema.map((element): SchemaElement => {
    if (element.converted_type !== 'DECIMAL' && element.logical_type?.type !== 'DECIMAL') return element;
    decimals.set(
      element.name,
      element.scale ?? (element.logical_type?.type === 'DECIMAL' ? element.logical_type.scale : 0),
    );
    const { converted_type: _, logical_type: __, ...raw } = element;
    return raw.type === 'BYTE_ARRAY' || raw.type === 'FIXED_LEN_BYTE_ARRAY'
      ? { ...raw, logical_type: { type: 'GEOGRAPHY' } }
      : raw;
  });
  return { metadata: { ...metadata, schema }, decimals };
}

const PARSERS = {
  // A place on earth is neither a text nor a label, so no column is read as one by mistake.
  geographyFromBytes: (bytes: Uint8Array): Uint8Array => bytes,
  timestampFromMicroseconds: (count: bigint): Date | string => instantOf(count, 1000n),
  timestampFromNanoseconds: (count: bigint): Date | string => instantOf(count, 1_000_000n),
};

/** @param value the digits as a number, or as bytes: big-endian, in two's complement. */
function decimalOf(value: unknown, scale: number | undefined): unknown {
  if (scale === undefined) return value;
  if (typeof value === 'number' || typeof value === 'bigint') return decimalText(BigInt(value), scale);
  if (!(value instanceof Uint8Array)) return value;
  const bits = value.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return decimalText(BigInt.asIntN(8 * value.length, bits), scale);
}

async function open(file: string): Promise<{ buffer: AsyncBuffer; metadata: FileMetaData }> {
  const source = sourceOf(file);
  const { sizeBytes, version } = (await source.stat(file)) ?? { sizeBytes: 0, version: '' };
  const slice = async (start: number, end = sizeBytes): Promise<ArrayBuffer> => {
    const bytes = new Uint8Array(Math.max(0, end - start));
    let at = 0;
    if (bytes.length > 0)
      for await (const chunk of source.read(file, { start, end, version })) {
        bytes.set(chunk, at);
        at += chunk.length;
      }
    return bytes.buffer;
  };
  const buffer: AsyncBuffer = { byteLength: sizeBytes, slice };
  try {
    return { buffer, metadata: await parquetMetadataAsync(buffer) };
  } catch (error) {
    if (error instanceof RaptError) throw error;
    throw new BadInput([{ where: file, problem: 'is not a complete Parquet file' }]);
  }
}
