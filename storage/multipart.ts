/** Sending a large file in parts. The client's own fPutObject is not used. It continues whatever unfinished upload it
 *  finds under the key, also one of another worker or of other content, and leaves its own upload behind when it
 *  fails. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Client } from 'minio';
import { ErrorKind, RaptError } from '../contracts/index.ts';
import type { Sha256 } from '../contracts/index.ts';

/** S3's limit. */
const MOST_PARTS = 10_000;

export interface MultipartOptions {
  readonly client: Client;
  readonly bucket: string;
  readonly key: string;
  readonly file: string;
  readonly sizeBytes: number;
  /** What the file's bytes must hash to. */
  readonly sha256: Sha256;
  readonly partBytes: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** Sends one request, with retries. */
  readonly request: <T>(action: () => Promise<T>) => Promise<T>;
}

export const changedWhileSent = (key: string, bucket: string): RaptError =>
  new RaptError(
    ErrorKind.corruptArtifact,
    `the file for "${key}" in bucket "${bucket}" changed while it was sent; nothing was stored`,
  );

/** Sends the file part by part, holding one part in memory. After any failure the upload is aborted, so that no part is
 *  kept (and paid for).
 *  @throws RaptError corruptArtifact when the file changed since it was hashed; nothing is then stored. */
export async function putInParts({
  client,
  bucket,
  key,
  file,
  sizeBytes,
  sha256,
  partBytes,
  metadata,
  request,
}: MultipartOptions): Promise<void> {
  const uploadId = await request(() => client.initiateNewMultipartUpload(bucket, key, { ...metadata }));
  const handle = await open(file, 'r');
  try {
    const size = Math.max(partBytes, Math.ceil(sizeBytes / MOST_PARTS));
    const hash = createHash('sha256');
    const parts: { part: number; etag: string }[] = [];
    for (let start = 0; start < sizeBytes; start += size) {
      const bytes = Buffer.allocUnsafe(Math.min(size, sizeBytes - start));
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
      hash.update(bytes.subarray(0, bytesRead));
      if (bytesRead < bytes.length) break;
      const part = parts.length + 1;
      // Over https the client signs no content hash, so the server checks this one.
      const headers = { 'Content-MD5': createHash('md5').update(bytes).digest('base64') };
      const { etag } = await request(() =>
        client.uploadPart(
          { bucketName: bucket, objectName: key, uploadID: uploadId, partNumber: part, headers },
          bytes,
        ),
      );
      parts.push({ part, etag });
    }
    if (hash.digest('hex') !== sha256) throw changedWhileSent(key, bucket);
    await request(() => client.completeMultipartUpload(bucket, key, uploadId, parts));
  } catch (error) {
    // A failure of the abort is passed over: the first failure is the one to tell, and the upload may be gone already.
    await request(() => client.abortMultipartUpload(bucket, key, uploadId)).catch(() => undefined);
    throw error;
  } finally {
    await handle.close();
  }
}
