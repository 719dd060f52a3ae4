/** The bytes of a file. Compressed files are decompressed, whatever they are called. */
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Decompress } from 'fzstd';
import { BadInput } from '../../../contracts/index.ts';
import { contentOf, HEAD_BYTES, type ContentKind } from '../../content.ts';
import { sourceOf } from '../source.ts';

const READ_BYTES = 1 << 18;
/** So much is given to the decompressor at once, since its output is held until it is asked for. */
const ZSTD_BYTES = 1 << 12;
const SIGNATURE_BYTES = 512;

export type Compression = 'gzip' | 'zstd';

export interface FileHead {
  /** The first bytes, decompressed. */
  readonly bytes: Buffer;
  /** What kind of content begins with them. */
  readonly kind: ContentKind;
  readonly compression: Compression | null;
}

/** Looks at the beginning of a file. @throws BadInput when the compressed file is broken. */
export async function headOf(file: string): Promise<FileHead> {
  let compression: Compression | null = null;
  const head = await firstBytes(
    openBytes(file, (found) => (compression = found)),
    HEAD_BYTES,
  );
  const bytes = Buffer.concat(head).subarray(0, HEAD_BYTES);
  return { bytes, kind: contentOf(bytes), compression };
}

/** Streams a file.
 *  @param onCompression is called when the file is compressed, before the first bytes come.
 *  @throws BadInput when the compressed file is broken. */
export async function* openBytes(
  file: string,
  onCompression?: (compression: Compression) => void,
): AsyncGenerator<Buffer> {
  const source = sourceOf(file).read(file)[Symbol.asyncIterator]();
  try {
    const head = await gather(source, SIGNATURE_BYTES);
    const kind = contentOf(Buffer.concat(head));
    if (kind !== 'gzip' && kind !== 'zstd') {
      yield* chained(head, source);
      return;
    }
    onCompression?.(kind);
    yield* (kind === 'gzip' ? gunzipped : unzstd)(file, chained(head, source));
  } finally {
    await source.return?.();
  }
}

/** The first chunks that together have `count` bytes, or all chunks when the stream is shorter. Closes the stream. */
async function firstBytes(stream: AsyncGenerator<Buffer>, count: number): Promise<Buffer[]> {
  try {
    return await gather(stream, count);
  } finally {
    await stream.return(undefined);
  }
}

/** As `firstBytes`, but the stream stays open. */
export async function gather(stream: AsyncIterator<Buffer, unknown>, count: number): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for (let size = 0; size < count;) {
    const { done, value } = await stream.next();
    if (done === true) break;
    chunks.push(value);
    size += value.length;
  }
  return chunks;
}

/** Streams the chunks of a head, then the rest. */
export async function* chained(head: readonly Buffer[], rest: AsyncIterator<Buffer, unknown>): AsyncGenerator<Buffer> {
  yield* head;
  for (;;) {
    const { done, value } = await rest.next();
    if (done === true) return;
    yield value;
  }
}

async function* gunzipped(file: string, zipped: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const source = Readable.from(zipped);
  const unzipped = createGunzip({ chunkSize: READ_BYTES });
  // A pipeline destroys its last stream with an error of either one, so the iteration below sees it.
  pipeline(source, unzipped, () => undefined);
  try {
    yield* unzipped as AsyncIterable<Buffer>;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!code.startsWith('Z_') && code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    throw broken(file, 'gzip');
  } finally {
    source.destroy();
    unzipped.destroy();
  }
}

async function* unzstd(file: string, zipped: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let out: Buffer[] = [];
  const stream = new Decompress((chunk) => void out.push(Buffer.from(chunk)));
  const push = (bytes: Uint8Array, isLast: boolean): Buffer[] => {
    out = [];
    try {
      stream.push(bytes, isLast);
    } catch {
      throw broken(file, 'zstd');
    }
    return out;
  };
  for await (const chunk of zipped)
    for (let at = 0; at < chunk.length; at += ZSTD_BYTES) yield* push(chunk.subarray(at, at + ZSTD_BYTES), false);
  yield* push(new Uint8Array(), true);
}

const broken = (file: string, compression: Compression): BadInput =>
  new BadInput([
    { where: file, problem: `is not a complete ${compression} file; compress it again, or give it uncompressed` },
  ]);
