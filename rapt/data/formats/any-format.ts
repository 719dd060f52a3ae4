/** Which format a file is of: its content decides, and its name where texts of several formats look alike. */
import { BadInput } from '../../../contracts/index.ts';
import { notReadable } from '../../content.ts';
import { headOf, type FileHead } from './bytes.ts';
import { BINARY_FORMATS, OFFERED_FORMATS, TEXT_FORMATS, type BinaryFormat, type TextFormat } from './known-formats.ts';
import type { TableFormat, TableRecord } from './table-format.ts';

type KnownFormat = TextFormat | BinaryFormat;
const KNOWN_FORMATS: readonly KnownFormat[] = [...TEXT_FORMATS, ...BINARY_FORMATS];

/** Files that `save_to_disk` writes beside the tables. */
const DESCRIPTIONS = /(^|\/)(dataset_infos?|dataset_dict|state)\.json$/;
const COMPRESSED = /\.(gz|zst|zstd)$/;
const GZIPPED = /\.gz$/i;
const ZSTANDARD = /\.zstd?$/i;

const endingOf = (file: string): string => /\.[a-z]+$/.exec(file.toLowerCase().replace(COMPRESSED, ''))?.[0] ?? '';

/** The format that a file's name stands for. */
function usualFormat(file: string): KnownFormat | undefined {
  const ending = endingOf(file);
  return KNOWN_FORMATS.find(({ endings }) => endings.includes(ending));
}

function namedFormat(file: string): KnownFormat | undefined {
  const ending = endingOf(file);
  return usualFormat(file) ?? KNOWN_FORMATS.find(({ otherEndings }) => otherEndings.includes(ending));
}

const isBinary = (format: KnownFormat | undefined): format is BinaryFormat =>
  format !== undefined && 'content' in format;

/** The files among these that are tables by their names. */
export function tablesAmong(files: readonly string[]): string[] {
  const usual = files.filter((file) => {
    const format = usualFormat(file);
    return format !== undefined && !ZSTANDARD.test(file) && !(isBinary(format) && GZIPPED.test(file));
  });
  if (usual.length > 0) return usual;
  return files.filter((file) => namedFormat(file) !== undefined && !DESCRIPTIONS.test(file));
}

/** A table in one file of any format. Both functions throw BadInput for content that is no table. Its message says what
 *  the content is, and the way out. */
export const anyFormat: TableFormat = {
  columns: async (file) => (await formatOf(file)).columns(file),
  async *records(file, columns, report): AsyncGenerator<TableRecord> {
    yield* (await formatOf(file)).records(file, columns, report);
  },
};

async function formatOf(file: string): Promise<TableFormat> {
  const named = namedFormat(file);
  const head = await headOf(file);
  const refuse = (problem: string): never => {
    throw new BadInput([{ where: file, problem }]);
  };
  const binary = BINARY_FORMATS.find(({ content }) => content === head.kind);
  if (binary !== undefined) return head.compression === null ? binary.open() : refuse(binary.zipped);
  switch (head.kind) {
    case 'empty':
      return refuse(
        named !== undefined && !isBinary(named) && named.hasHeader
          ? 'is empty; its first line must name the columns'
          : 'is empty: it has no bytes; write or fetch it again',
      );
    case 'gzip':
    case 'zstd':
      return refuse('is compressed twice; decompress it once');
    case 'binary':
      // The format's own reader says what of its file is missing.
      if (isBinary(named)) return named.open();
      return refuse(`holds no text, but bytes of a kind that cannot be read; write it as ${OFFERED_FORMATS}`);
    case 'text':
    case 'utf-16le':
    case 'utf-16be': {
      const start = textOf(head).replace(/^\ufeff?\s*/, '');
      const shown = TEXT_FORMATS.find(({ begins }) => begins?.(start) === true);
      if (shown !== undefined) return shown.open(file);
      if (named === undefined) return refuse(`is of no known format; name it ${OFFERED_FORMATS}`);
      if (!isBinary(named)) return named.open(file);
      const incomplete = `is not a complete ${named.title} file: it holds text`;
      return refuse(`${incomplete}; name it by what it holds, .csv, .tsv or .jsonl`);
    }
    default:
      return refuse(notReadable(head.kind)!);
  }
}

function textOf({ kind, bytes }: FileHead): string {
  if (kind === 'text') return bytes.toString('utf8');
  const even = bytes.subarray(0, bytes.length - (bytes.length % 2));
  return (kind === 'utf-16be' ? Buffer.from(even).swap16() : even).toString('utf16le');
}
