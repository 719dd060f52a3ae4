/** Reads objects that somebody else wrote, from any bucket: they may be large, and their digests are not known. Writes
 *  nothing. */
import { BadInput, RaptError } from '../contracts/index.ts';
import type { StoreKeys } from './access/renewed-keys.ts';
import { etagOf, StoreConnection, type BucketOptions } from './connection.ts';
import { codeOf, describeFailure, isDenied, isMissing, isTransient } from './store-failure.ts';

export interface BucketReaderOptions extends StoreKeys, Pick<BucketOptions, 'endpoint' | 'region' | 'retry'> {}

export interface ObjectPlace {
  readonly bucket: string;
  readonly key: string;
}

/** The first byte and the one after the last, and the tag of the version that is read. */
export interface ObjectRange {
  readonly start: number;
  readonly end: number;
  readonly etag: string;
}

/** How often in a row a reading goes on after its connection broke, without a byte in between. */
const MOST_BREAKS = 3;

/** Each method throws BadInput, with the address, for an object that does not exist, may not be read, or changes while
 *  it is read; and RaptError unavailable. */
export class BucketReader {
  readonly #connection: StoreConnection;

  constructor(options: BucketReaderOptions) {
    this.#connection = new StoreConnection({ ...options, bucket: '' });
  }

  /** Size and tag of an object; null when there is no such object. */
  async stat(place: ObjectPlace): Promise<{ sizeBytes: number; etag: string } | null> {
    try {
      const { size, etag } = await this.#connection.send(() =>
        this.#connection.client.statObject(place.bucket, place.key),
      );
      return { sizeBytes: size, etag };
    } catch (error) {
      if (isMissing(error)) return null;
      throw this.#explain('looking up', place, error);
    }
  }

  /** Reads an object, or a range of it. When the connection breaks, the reading goes on where it was, in the same
   *  version. */
  async *read(place: ObjectPlace, range?: ObjectRange): AsyncGenerator<Buffer> {
    const { client } = this.#connection;
    let at = range?.start ?? 0;
    let version = range?.etag;
    for (let breaks = 0; ;) {
      try {
        const length = range === undefined ? 0 : range.end - at;
        const body = await this.#connection.send(() =>
          at === 0 && length === 0
            ? client.getObject(place.bucket, place.key)
            : client.getPartialObject(place.bucket, place.key, at, length),
        );
        const etag = etagOf(body);
        version ??= etag;
        if (etag !== version) {
          body.destroy();
          throw new BadInput([
            { where: addressOf(place), problem: 'changed while it was being read; start again when it is complete' },
          ]);
        }
        for await (const chunk of body as AsyncIterable<Buffer>) {
          at += chunk.length;
          breaks = 0;
          yield chunk;
        }
        return;
      } catch (error) {
        if (!isTransient(error) || ++breaks > MOST_BREAKS) throw this.#explain('reading', place, error);
      }
    }
  }

  /** Keys that start with the prefix, in their order; at most `mostKeys` of them. */
  async list({ bucket, key: prefix }: ObjectPlace, mostKeys = Infinity): Promise<string[]> {
    try {
      return await this.#connection.send(async () => {
        const keys: string[] = [];
        for await (const { name } of this.#connection.client.listObjectsV2(bucket, prefix, true) as AsyncIterable<{
          name?: string;
        }>) {
          if (name !== undefined) keys.push(name);
          if (keys.length >= mostKeys) break;
        }
        return keys;
      });
    } catch (error) {
      if (codeOf(error) === 'NoSuchBucket') return [];
      throw this.#explain('listing', { bucket, key: prefix }, error);
    }
  }

  #explain(doing: string, place: ObjectPlace, error: unknown): RaptError {
    if (error instanceof RaptError) return error;
    const where = addressOf(place);
    if (isMissing(error)) return new BadInput([{ where, problem: 'does not exist' }]);
    if (isDenied(error))
      return new BadInput([
        {
          where,
          problem:
            `may not be read (${codeOf(error)}); ` +
            'check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of this process, and what they may do',
        },
      ]);
    const { endpoint, secrets } = this.#connection;
    return describeFailure(doing, error, { endpoint, ...place, secrets, keysAreGiven: false });
  }
}

const addressOf = ({ bucket, key }: ObjectPlace): string => `s3://${bucket}/${key}`;
