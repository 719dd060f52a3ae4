/** Parquet, any codec. Memory: the wanted columns of one row group, so the writer of the file decides (DuckDB's groups have 122,880
 *  rows, those of pandas 1,048,576). */
import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import type { AsyncBuffer, FileMetaData } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { BadInput, RaptError } from '../../contracts/index.ts';
import { scalarCells } from './cells.ts';
import { classNamesOf, FEATURES_KEY, withClassName } from './class-names.ts';
import type { TableFormat, TableRecord } from './record.ts';
import { sourceOf } from './source.ts';

export const parquet: TableFormat = {
  async columns(file) {
    const { metadata } = await open(file);
    return parquetSchema(metadata).children.map((child) => child.element.name);
  },

  async *records(file, columns, report): AsyncGenerator<TableRecord> {
    const { buffer, metadata } = await open(file);
    const classNames = classNamesOf(metadata.key_value_metadata?.find(({ key }) => key === FEATURES_KEY)?.value);
    const wanted = [...new Set(columns)];
    let rowStart = 0;
    for (const group of metadata.row_groups) {
      const rowEnd = rowStart + Number(group.num_rows);
      const rows = await parquetReadObjects({ file: buffer, metadata, columns: wanted, rowStart, rowEnd, compressors }).catch((error: unknown) => {
        if (error instanceof RaptError) throw error;
        throw new BadInput([{ where: `${file}, rows ${rowStart + 1} to ${rowEnd}`, problem: 'cannot be read; the Parquet file is damaged' }]);
      });
      for (const [index, row] of rows.entries()) {
        const place = { line: null, number: rowStart + index };
        const cells = scalarCells(file, place, columns, (column) => withClassName(row[column], classNames.get(column)), 'a list, a struct or bytes', report);
        if (cells !== null) yield { ...place, cells, emptyLinesBefore: 0 };
      }
      rowStart = rowEnd;
    }
  },
};

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
