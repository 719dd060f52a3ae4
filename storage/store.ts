/** The object store: all that Rapt asks of S3. */
import type { ArtifactRef } from '../contracts/index.ts';

export interface PutOptions {
  readonly contentType?: string | undefined;
  /** Reads back what is there already, instead of believing the digest that is stored with it. */
  readonly verify?: boolean | undefined;
}

/** A stored object and the version tag that `compareAndSwap` expects. */
export interface StoredObject {
  readonly body: Buffer;
  readonly etag: string;
}

export interface ListedObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly changedMs: number;
}

export interface UnfinishedUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly startedMs: number;
}

/** One bucket. Every failure is a RaptError that names bucket and key: `unavailable` when the service did not answer in
 *  any of the tries, `noSpace`, `credentialsRefused`, `accessDenied`, `notFound`, and, where a method says so,
 *  `corruptArtifact` or `overtaken`. */
export interface ObjectStore {
  readonly bucket: string;
  /** Stores the bytes, or a file's, under the key and checks that they arrived. Does nothing when the same content is
   *  there already. A large file is sent in parts; after a failure no part of it is left behind. */
  put(key: string, body: Buffer | { readonly file: string }, options?: PutOptions): Promise<ArtifactRef>;
  /** The object's bytes. @throws corruptArtifact when they do not have the digest of the reference. */
  get(ref: ArtifactRef): Promise<Buffer>;
  /** Writes the object to a file, which gets its name only when whole and verified. @throws corruptArtifact as
   *  `get`. */
  getToFile(ref: ArtifactRef, path: string): Promise<void>;
  /** A small object whose content is not known beforehand; null when there is none. */
  read(key: string): Promise<StoredObject | null>;
  /** Writes only if the object still has the expected tag; null means that no object is expected. The tag is a digest
   *  of the content, so another writer is noticed only if each writer's content is unique. @returns the new tag.
   *  @throws overtaken when another writer was first. */
  compareAndSwap(key: string, body: Buffer, expectedEtag: string | null): Promise<string>;
  /** Objects whose key starts with the prefix, in key order. */
  list(prefix: string): AsyncIterable<ListedObject>;
  /** Uploads in parts under the prefix that were neither completed nor aborted; their parts take space and are in no
   *  listing. MinIO finds them by their whole key alone, and removes them itself after a day. */
  unfinishedUploads(prefix: string): Promise<readonly UnfinishedUpload[]>;
  /** Removes the parts of such an upload. An upload that is gone is no failure. */
  abortUpload(upload: UnfinishedUpload): Promise<void>;
  /** Removes an object. An object that is not there is no failure. */
  remove(key: string): Promise<void>;
  /** Makes the bucket unless it exists. */
  ensureBucket(): Promise<void>;
}
