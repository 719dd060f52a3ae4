/** The object store (store.ts) on S3, by the `minio` client. */
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ErrorKind, RaptError } from '../contracts/index.ts';
import type { ArtifactRef, Sha256 } from '../contracts/index.ts';
import { flushFile, makeFolder, sha256File, sha256Of } from '../system/index.ts';
import { etagOf, StoreConnection, type RenewedStoreOptions, type StoreOptions } from './connection.ts';
import {
  codeOf,
  describeFailure,
  isMissing,
  isPreconditionFailed,
  isTransient,
  type FailurePlace,
} from './store-failure.ts';
import { changedWhileSent, putInParts } from './multipart.ts';
import type { ListedObject, ObjectStore, PutOptions, StoredObject, UnfinishedUpload } from './store.ts';

const DEFAULT_PART_BYTES = 16 << 20;
const MOST_READINGS = 3;
/** Name of the user metadata that holds each object's SHA-256. */
const SHA256_METADATA = 'sha256';

/** Opens a bucket; sends nothing yet. @throws RaptError badInput for an endpoint that is no http(s) address. */
export function createMinioStore(options: StoreOptions | RenewedStoreOptions): ObjectStore {
  return new MinioStore(options);
}

class MinioStore implements ObjectStore {
  readonly bucket: string;
  readonly #connection: StoreConnection;
  readonly #client: StoreConnection['client'];
  readonly #partBytes: number;

  constructor(options: StoreOptions | RenewedStoreOptions) {
    this.bucket = options.bucket;
    this.#connection = new StoreConnection(options);
    this.#client = this.#connection.client;
    this.#partBytes = options.partBytes ?? DEFAULT_PART_BYTES;
  }

  async put(key: string, body: Buffer | { readonly file: string }, options: PutOptions = {}): Promise<ArtifactRef> {
    const { sha256, sizeBytes } = Buffer.isBuffer(body)
      ? { sha256: sha256Of(body), sizeBytes: body.length }
      : await sha256File(body.file);
    const ref: ArtifactRef = { bucket: this.bucket, key, sha256, sizeBytes };
    if ((await this.#holds(ref)) && (options.verify !== true || (await this.#isIntact(ref)))) return ref;
    const metadata = {
      'Content-Type': options.contentType ?? 'application/octet-stream',
      [`x-amz-meta-${SHA256_METADATA}`]: sha256,
    };
    if (!Buffer.isBuffer(body) && sizeBytes > this.#partBytes) {
      await putInParts({
        client: this.#client,
        bucket: this.bucket,
        key,
        file: body.file,
        sizeBytes,
        sha256,
        partBytes: this.#partBytes,
        metadata,
        request: (action) => this.#request('writing', key, action),
      });
      await this.#tidyUploads(key);
    } else {
      const bytes = Buffer.isBuffer(body) ? body : await readFile(body.file);
      if (sha256Of(bytes) !== sha256) throw changedWhileSent(key, this.bucket);
      await this.#request('writing', key, () =>
        this.#client.putObject(this.bucket, key, bytes, bytes.length, metadata),
      );
    }
    if (!(await this.#holds(ref)))
      throw new RaptError(
        ErrorKind.corruptArtifact,
        `"${key}" in bucket "${this.bucket}" is not what was just written; is something else writing there?`,
      );
    return ref;
  }

  async get(ref: ArtifactRef): Promise<Buffer> {
    return this.#readVerified(ref, async () => {
      const body = await readAll(await this.#client.getObject(ref.bucket, ref.key), ref.sizeBytes);
      this.#verify(ref, body.length, sha256Of(body));
      return body;
    });
  }

  async getToFile(ref: ArtifactRef, path: string): Promise<void> {
    makeFolder(dirname(path));
    const partial = `${path}.${randomUUID()}.part`;
    try {
      await this.#readVerified(ref, async () => {
        const hash = createHash('sha256');
        let sizeBytes = 0;
        const source = await this.#client.getObject(ref.bucket, ref.key);
        await pipeline(
          source,
          async function* (chunks: AsyncIterable<Buffer>) {
            for await (const chunk of chunks) {
              hash.update(chunk);
              sizeBytes += chunk.length;
              if (sizeBytes > ref.sizeBytes) return;
              yield chunk;
            }
          },
          createWriteStream(partial, { flags: 'w' }),
        );
        this.#verify(ref, sizeBytes, hash.digest('hex') as Sha256);
      });
      await flushFile(partial);
      await rename(partial, path);
    } finally {
      await rm(partial, { force: true });
    }
  }

  async read(key: string): Promise<StoredObject | null> {
    return this.#request('reading', key, async () => {
      try {
        const response = await this.#client.getObject(this.bucket, key);
        return { body: await readAll(response, Infinity), etag: etagOf(response) };
      } catch (error) {
        if (isMissing(error) && (error as { code?: string }).code !== 'NoSuchBucket') return null;
        throw error;
      }
    });
  }

  async compareAndSwap(key: string, body: Buffer, expectedEtag: string | null): Promise<string> {
    const condition = expectedEtag === null ? { 'If-None-Match': '*' } : { 'If-Match': expectedEtag };
    // After a broken connection our write may have happened; the next try is then refused because of our own write.
    let answerLost = false;
    return this.#request('writing', key, async () => {
      try {
        return (
          await this.#client.putObject(this.bucket, key, body, body.length, {
            ...condition,
            'Content-Type': 'application/json',
          })
        ).etag;
      } catch (error) {
        if (isTransient(error)) answerLost = true;
        // A key that vanished counts as changed: If-Match on nothing is refused as missing.
        const refused = isPreconditionFailed(error) || (expectedEtag !== null && isMissing(error));
        if (!refused) throw error;
        const current = answerLost ? await this.read(key) : null;
        if (current !== null && current.body.equals(body)) return current.etag;
        throw new RaptError(
          ErrorKind.overtaken,
          `"${key}" in bucket "${this.bucket}": another writer changed it first`,
          { cause: describeFailure('writing', error, this.#place(key)).cause },
        );
      }
    });
  }

  async *list(prefix: string): AsyncGenerator<ListedObject> {
    let after = '';
    for (;;) {
      // A page at a time, so that a broken connection costs one page and not the listing.
      const page = await this.#request('listing', prefix, () => this.#page(prefix, after));
      yield* page;
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.key;
    }
  }

  async unfinishedUploads(prefix: string): Promise<UnfinishedUpload[]> {
    return this.#request('listing', prefix, async () => {
      const uploads: UnfinishedUpload[] = [];
      const stream = this.#client.listIncompleteUploads(this.bucket, prefix, true);
      for await (const { key, uploadId, initiated } of stream as AsyncIterable<{
        key: string;
        uploadId: string;
        initiated: Date;
      }>)
        uploads.push({ key, uploadId, startedMs: new Date(initiated).getTime() });
      return uploads;
    });
  }

  async abortUpload({ key, uploadId }: UnfinishedUpload): Promise<void> {
    await this.#request('removing', key, async () => {
      await this.#client.abortMultipartUpload(this.bucket, key, uploadId).catch((error: unknown) => {
        if ((error as { code?: string }).code !== 'NoSuchUpload') throw error;
      });
    });
  }

  async remove(key: string): Promise<void> {
    await this.#request('removing', key, () => this.#client.removeObject(this.bucket, key));
  }

  async ensureBucket(): Promise<void> {
    await this.#request('making', undefined, async () => {
      try {
        await this.#client.makeBucket(this.bucket, this.#connection.region);
      } catch (error) {
        if (!AS_GOOD_AS_MADE.includes(codeOf(error))) throw error;
      }
    });
  }

  /** Removes the parts that killed attempts left under the key: nobody needs them once the object is whole. A tenant's
   *  keys may not look for them, since S3 cannot limit that to a prefix; the server then removes them in time. A
   *  refusal makes the connection ask for other keys, and that may fail as well. Such failures are no reason to fail
   *  here: the next request that needs keys tells them. */
  async #tidyUploads(key: string): Promise<void> {
    try {
      for (const upload of await this.unfinishedUploads(key)) if (upload.key === key) await this.abortUpload(upload);
    } catch (error) {
      if (!(error instanceof RaptError) || !LEAVES_PARTS.includes(error.kind)) throw error;
    }
  }

  async #page(prefix: string, after: string): Promise<ListedObject[]> {
    const objects: ListedObject[] = [];
    const stream = this.#client.listObjectsV2(this.bucket, prefix, true, after);
    for await (const { name, size, lastModified } of stream as AsyncIterable<{
      name?: string;
      size: number;
      lastModified: Date;
    }>) {
      if (name !== undefined) objects.push({ key: name, sizeBytes: size, changedMs: lastModified.getTime() });
      if (objects.length === PAGE_OBJECTS) break;
    }
    return objects;
  }

  /** Whether the object is there with this size and this content, by the digest that is stored with it. */
  async #holds(ref: ArtifactRef): Promise<boolean> {
    return this.#request('looking up', ref.key, async () => {
      try {
        const { size, metaData } = await this.#client.statObject(this.bucket, ref.key);
        return size === ref.sizeBytes && (metaData as Record<string, unknown>)[SHA256_METADATA] === ref.sha256;
      } catch (error) {
        if (isMissing(error)) return false;
        throw error;
      }
    });
  }

  /** Reads an artifact until its bytes are right. Bytes may change on the way; a second reading tells that from damage
   *  in the store. */
  async #readVerified<T>(ref: ArtifactRef, read: () => Promise<T>): Promise<T> {
    for (let reading = 1; ; reading++) {
      try {
        return await this.#request('reading', ref.key, read);
      } catch (error) {
        if (!(error instanceof RaptError)) throw error;
        if (error.kind === ErrorKind.corruptArtifact && reading < MOST_READINGS) continue;
        if (error.kind === ErrorKind.unavailable && (await this.#answersFor(ref)))
          throw new RaptError(
            ErrorKind.corruptArtifact,
            `"${ref.key}" in bucket "${ref.bucket}" cannot be read, ` +
              "though the store is up and has it: the store's own copy is damaged",
            { cause: error },
          );
        throw error;
      }
    }
  }

  /** Whether the store describes the object, though it did not send it. MinIO answers 503 when its copy does not have
   *  the checksum it should have. */
  async #answersFor(ref: ArtifactRef): Promise<boolean> {
    return this.#client.statObject(ref.bucket, ref.key).then(
      () => true,
      () => false,
    );
  }

  async #isIntact(ref: ArtifactRef): Promise<boolean> {
    try {
      await this.get(ref);
      return true;
    } catch (error) {
      if (error instanceof RaptError && error.kind === ErrorKind.corruptArtifact) return false;
      throw error;
    }
  }

  #verify(ref: ArtifactRef, sizeBytes: number, sha256: Sha256): void {
    if (sha256 === ref.sha256) return;
    const found = sizeBytes === ref.sizeBytes ? `has SHA-256 ${sha256}` : `does not have ${ref.sizeBytes} bytes`;
    throw new RaptError(
      ErrorKind.corruptArtifact,
      `"${ref.key}" in bucket "${ref.bucket}" ${found}, not the SHA-256 ${ref.sha256} that it must have; ` +
        'it was changed or damaged after it was written',
    );
  }

  async #request<T>(doing: string, key: string | undefined, action: () => Promise<T>): Promise<T> {
    try {
      return await this.#connection.send(action);
    } catch (error) {
      throw describeFailure(doing, error, this.#place(key));
    }
  }

  #place(key: string | undefined): FailurePlace {
    const { endpoint, secrets, renews } = this.#connection;
    return { endpoint, bucket: this.bucket, key, secrets, keysAreGiven: renews };
  }
}

const { accessDenied, credentialsRefused, unavailable } = ErrorKind;
const LEAVES_PARTS: readonly ErrorKind[] = [accessDenied, credentialsRefused, unavailable];
/** As many as the server puts into one reply. */
const PAGE_OBJECTS = 1000;
/** The bucket is ours already, or somebody makes it at this moment, or these keys may not make it, so that somebody who
 *  may has done so. */
const AS_GOOD_AS_MADE = ['BucketAlreadyOwnedByYou', 'BucketAlreadyExists', 'AccessDenied'];

/** Reads up to one chunk past `mostBytes`, which is enough to know that the object is too large. */
async function readAll(source: Readable, mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes > mostBytes) break;
  }
  return Buffer.concat(chunks);
}
