/** Arrow's IPC formats, the streaming one, in which Hugging Face's `save_to_disk` writes, and that of files. Memory: one record batch, so the writer decides (a thousand
 *  rows, as Hugging Face's library writes). */
import { buffer } from 'node:stream/consumers';
import { RecordBatchReader, type RecordBatch } from 'apache-arrow';
import { BadInput, RaptError } from '../../contracts/index.ts';
import { scalarCells } from './cells.ts';
import { classNamesOf, FEATURES_KEY, withClassName } from './class-names.ts';
import type { TableFormat, TableRecord } from './record.ts';
import { sourceOf } from './source.ts';

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
        const { value: batch } = await batches.next().catch(refuse(`${file}, after row ${before}`, 'cannot be read; the Arrow file is damaged'));
        if (batch === undefined) return;
        const vectors = columns.map((column) => batch.getChild(column));
        for (let index = 0; index < batch.numRows; index++) {
          const place = { line: null, number: before + index };
          const cells = scalarCells(file, place, columns, (column, at) => withClassName(vectors[at]?.get(index), classNames.get(column)), 'a list, a struct or bytes', report);
          if (cells !== null) yield { ...place, cells, emptyLinesBefore: 0 };
        }
        before += batch.numRows;
      }
    } finally {
      await reader.cancel();
    }
  },
};

/** Four bytes and a length of zero end a stream, and a name a file. A stream may lack them by Arrow's rules; but then nobody could tell it from one that was cut. */
const ENDINGS = [Buffer.from('ffffffff00000000', 'hex'), Buffer.from('ARROW1')];

async function open(file: string): Promise<RecordBatchReader> {
  const broken = refuse(file, 'is not a complete Arrow file');
  const ending = await lastBytes(file, 8);
  if (!ENDINGS.some((known) => ending.subarray(-known.length).equals(known))) broken(undefined);
  const opened = async (): Promise<RecordBatchReader> => (await RecordBatchReader.from(sourceOf(file).read(file))).open({ autoDestroy: false });
  const reader = await opened().catch(broken);
  // What is none of Arrow's reads as a stream without a schema.
  return (reader.schema as unknown) === undefined ? broken(undefined) : reader;
}

async function lastBytes(file: string, count: number): Promise<Buffer> {
  const source = sourceOf(file);
  const found = await source.stat(file);
  if (found === null || found.sizeBytes < count) return Buffer.alloc(0);
  return buffer(source.read(file, { start: found.sizeBytes - count, end: found.sizeBytes, version: found.version }));
}

/** The library's own messages may quote the file. */
const refuse =
  (where: string, problem: string) =>
  (error: unknown): never => {
    throw error instanceof RaptError ? error : new BadInput([{ where, problem }]);
  };
