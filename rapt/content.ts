/** Tells by its first bytes what a file is, whatever it is called.
 *
 *  Sources of the signatures: each format's own specification, as gathered in the magic tables of the `file` program. A
 *  text that begins like one of these by chance would need control characters in its first line. */
import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, readSync } from 'node:fs';
import { wholeCharacters } from './utf8.ts';

/** Enough to see the first entries of an office document, which is a zip archive, and the first line of a table. */
export const HEAD_BYTES = 1 << 16;

/** Kinds of content that some reader of this project can handle. */
export type KnownContent =
  'empty' | 'text' | 'utf-16le' | 'utf-16be' | 'binary' | 'gzip' | 'zstd' | 'parquet' | 'arrow';
export type ContentKind = KnownContent | keyof typeof NOT_TABLES;

const EXPORT = 'export the table as CSV or Parquet';
const SPREADSHEET = 'save its sheet as "CSV UTF-8"';
const FETCH_AGAIN = 'perhaps an error message in the place of the file; fetch it again';

/** Kinds of content that are never read, with what to tell of them: what it is, and the way out. */
const NOT_TABLES = {
  'git-lfs': 'is a Git LFS pointer, not the file that it stands for; run `git lfs pull` in its repository',
  'git-annex': 'is a git-annex pointer, not the file that it stands for; run `git annex get` on it',
  html: `is a web page, ${FETCH_AGAIN}`,
  xml: `is an XML document, ${FETCH_AGAIN}`,
  'feather-v1':
    'is a Feather file of version 1; ' +
    'write it as version 2 (pandas: read_feather, then to_feather), as Parquet or as CSV',
  xlsx: `is an Excel workbook; ${SPREADSHEET}`,
  xls: `is an Excel workbook, or another old Office document; ${SPREADSHEET}`,
  ods: `is an OpenDocument spreadsheet; ${SPREADSHEET}`,
  document: `is a text document of an office program, not a table; ${EXPORT}`,
  torch: 'is a PyTorch checkpoint; convert it with safetensors',
  numpy: `is a NumPy file; ${EXPORT}`,
  pickle:
    'is a Python pickle, which may run any code when it is opened; ' +
    'save what it holds as Parquet or CSV, or weights as safetensors',
  zip: 'is a zip archive; unzip it, and give what lies in it',
  bzip2: 'is compressed by bzip2; decompress it (`bunzip2`)',
  xz: 'is compressed by xz; decompress it (`unxz`)',
  lz4: 'is compressed by lz4; decompress it (`lz4 -d`)',
  '7z': 'is a 7z archive; unpack it, and give what lies in it',
  rar: 'is a RAR archive; unpack it, and give what lies in it',
  tar: 'is a tar archive; unpack it (`tar xf`), and give what lies in it',
  sqlite: `is an SQLite database; ${EXPORT}`,
  duckdb: `is a DuckDB database; ${EXPORT}`,
  hdf5: `is an HDF5 file; ${EXPORT}`,
  orc: `is an ORC file; ${EXPORT}`,
  avro: `is an Avro file; ${EXPORT}`,
  pdf: 'is a PDF document, not a table',
  image: 'is an image, not a table',
  'encrypted-parquet': 'is an encrypted Parquet file; write it without encryption',
  'utf-32': 'is UTF-32 text; save it as UTF-8',
} as const;

interface Signature {
  readonly kind: ContentKind;
  readonly at: number;
  readonly bytes: Buffer;
  /** The signature is made of letters, so a text may begin with it too. It counts only before a byte that no text
   *  has. */
  readonly letters?: true;
}

const signature = (kind: ContentKind, bytes: string, encoding: BufferEncoding = 'latin1', at = 0): Signature => ({
  kind,
  at,
  bytes: Buffer.from(bytes, encoding),
});
const letters = (kind: ContentKind, bytes: string, at = 0): Signature => ({
  ...signature(kind, bytes, 'latin1', at),
  letters: true,
});

/** The first one that fits counts. */
const SIGNATURES: readonly Signature[] = [
  signature('git-lfs', 'version https://git-lfs.github.com/spec/'),
  signature('git-lfs', 'version https://hawser.github.com/spec/'),
  signature('git-annex', '/annex/objects/'),
  signature('gzip', '1f8b08', 'hex'),
  signature('zstd', '28b52ffd', 'hex'),
  letters('parquet', 'PAR1'),
  letters('encrypted-parquet', 'PARE'),
  signature('arrow', 'ARROW1\0\0'),
  signature('arrow', 'ffffffff', 'hex'),
  letters('feather-v1', 'FEA1'),
  signature('zip', 'PK\x03\x04'),
  signature('zip', 'PK\x05\x06'),
  signature('xls', 'd0cf11e0a1b11ae1', 'hex'),
  signature('sqlite', 'SQLite format 3\0'),
  letters('duckdb', 'DUCK', 8),
  signature('bzip2', '314159265359', 'hex', 4),
  signature('xz', 'fd377a585a00', 'hex'),
  signature('lz4', '04224d18', 'hex'),
  signature('7z', '377abcaf271c', 'hex'),
  signature('rar', 'Rar!\x1a\x07'),
  signature('tar', 'ustar', 'latin1', 257),
  signature('hdf5', '89484446', 'hex'),
  signature('numpy', '\x93NUMPY'),
  letters('orc', 'ORC'),
  signature('avro', 'Obj\x01'),
  signature('pdf', '%PDF-'),
  signature('image', '89504e470d0a1a0a', 'hex'),
  signature('image', 'ffd8ff', 'hex'),
  signature('utf-32', 'fffe0000', 'hex'),
  signature('utf-32', '0000feff', 'hex'),
  signature('utf-16le', 'fffe', 'hex'),
  signature('utf-16be', 'feff', 'hex'),
];

/** Names of entries that tell the kinds of zip archives apart. */
const ZIPPED: readonly (readonly [string, ContentKind])[] = [
  ['xl/', 'xlsx'],
  ['mimetypeapplication/vnd.oasis.opendocument.spreadsheet', 'ods'],
  ['mimetypeapplication/vnd.oasis.opendocument', 'document'],
  ['word/', 'document'],
  ['/data.pkl', 'torch'],
  ['.npy', 'numpy'],
];

/** @param head the file's first bytes, up to `HEAD_BYTES`: all of them where it has fewer. */
export function contentOf(head: Buffer): ContentKind {
  if (head.length === 0) return 'empty';
  const found = SIGNATURES.find((one) => begins(head, one))?.kind;
  if (found === 'zip') return ZIPPED.find(([entry]) => head.includes(entry, 0, 'latin1'))?.[1] ?? 'zip';
  if (found !== undefined) return found;
  if (head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5) return 'pickle';
  return utf16WithoutMark(head) ?? markup(head) ?? (isText(head) ? 'text' : 'binary');
}

function begins(head: Buffer, { at, bytes, letters: isText }: Signature): boolean {
  const end = at + bytes.length;
  return (
    head.subarray(at, end).equals(bytes) && (isText === undefined || isControl(head[end] ?? 0) || head[end]! >= 0x7f)
  );
}

/** What to tell of content that can be neither a table nor a part of a model; null for all other content. */
export const notReadable = (kind: ContentKind): string | null =>
  kind in NOT_TABLES ? NOT_TABLES[kind as keyof typeof NOT_TABLES] : null;

/** What to tell of a file that cannot be a model's; null when it may be one. @param path on this machine. */
export function strangeModelFile(path: string): string | null {
  const head = Buffer.alloc(HEAD_BYTES);
  const file = openSync(path, 'r');
  try {
    const bytes = head.subarray(0, readSync(file, head, 0, HEAD_BYTES, 0));
    // A safetensors file begins with the length of its JSON header, which may look like anything.
    if (bytes.length > 8 && bytes[8] === 0x7b && bytes.readUInt32LE(4) === 0) return null;
    const kind = contentOf(bytes);
    return kind === 'empty'
      ? 'is empty; fetch it again'
      : kind === 'gzip'
        ? 'is compressed by gzip; decompress it (`gunzip`)'
        : notReadable(kind);
  } finally {
    closeSync(file);
  }
}

/** The encoding of UTF-16 text without a byte order mark, if it is certain: the first line is plain letters, with a
 *  zero byte beside each. */
function utf16WithoutMark(head: Buffer): 'utf-16le' | 'utf-16be' | null {
  const pairs = head.length >> 1;
  for (const [kind, low] of [
    ['utf-16le', 0],
    ['utf-16be', 1],
  ] as const) {
    let at = 0;
    while (at < pairs && head[2 * at + 1 - low] === 0 && isPlain(head[2 * at + low]!)) at++;
    const ended = at === pairs || (head[2 * at + 1 - low] === 0 && isLineBreak(head[2 * at + low]!));
    if (at >= 2 && ended) return kind;
  }
  return null;
}

const isPlain = (byte: number): boolean => byte === 0x09 || (byte >= 0x20 && byte < 0x7f);
const isLineBreak = (byte: number): boolean => byte === 0x0a || byte === 0x0d;
const isControl = (byte: number): boolean => byte < 0x20 && byte !== 0x09 && !isLineBreak(byte);

function markup(head: Buffer): ContentKind | null {
  const start = head.toString('utf8', 0, 1024).replace(/^\ufeff?\s*/, '');
  if (/^<(!doctype html|html|head|body)\b/i.test(start)) return 'html';
  return start.startsWith('<?xml') ? (/<html\b/i.test(start) ? 'html' : 'xml') : null;
}

/** Whether a file's head is text, in UTF-8 or in an encoding of one byte: control characters are rare in both. */
function isText(head: Buffer): boolean {
  let controls = 0;
  for (const byte of head) if (isControl(byte)) controls++;
  return controls < head.length / (isUtf8(head.subarray(0, wholeCharacters(head))) ? 4 : 50);
}
