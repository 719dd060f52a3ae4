/** A connection to an object store by the `minio` client, with lasting keys or with keys that are renewed. */
import { createRequire } from 'node:module';
import type { Readable } from 'node:stream';
import type * as Minio from 'minio';
import { ErrorKind, RaptError } from '../contracts/index.ts';
import { RenewedKeys, type KeySource, type StoreKeys } from './access/renewed-keys.ts';
import { isDenied, isTransient, isWordless, refusesKeys, regionNamedBy } from './store-failure.ts';
import { DEFAULT_RETRY, withRetry } from './retry.ts';
import type { RetryOptions } from './retry.ts';
import { transportWithTimeout } from './transport.ts';

export interface BucketOptions {
  /** Such as "http://127.0.0.1:9000". */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region?: string | undefined;
  /** A request fails when nothing moves on its connection for this long. Default 30 s. */
  readonly timeoutMs?: number | undefined;
  readonly retry?: RetryOptions | undefined;
  /** Files larger than this are sent in parts of at least this size. Default 16 MiB; S3's minimum is 5 MiB. */
  readonly partBytes?: number | undefined;
}

/** A bucket, with lasting keys. */
export interface StoreOptions extends BucketOptions, StoreKeys {}

/** A bucket, with short-lived keys that are renewed. */
export interface RenewedStoreOptions extends BucketOptions {
  readonly keys: KeySource;
}

/** The tag of the version that a reply brings. Read from the reply itself: a second request could see another
 *  version. */
export function etagOf(reply: Readable): string {
  const { headers } = reply as Readable & { headers: Record<string, string | undefined> };
  return (headers['etag'] ?? '').replaceAll('"', '');
}

/** Loads the client with the first connection: it is large, and most commands need no store. */
const minio = (): typeof Minio => createRequire(import.meta.url)('minio') as typeof Minio;

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_REGION = 'us-east-1';

export class StoreConnection {
  readonly client: Minio.Client;
  readonly endpoint: string;
  readonly #bucket: string;
  #region: string;
  readonly #fixed: StoreKeys | null;
  readonly #renewed: RenewedKeys | null;
  readonly #retry: RetryOptions;

  /** Sends nothing yet. @throws RaptError badInput for an endpoint that is no http(s) address. */
  constructor(options: StoreOptions | RenewedStoreOptions) {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, retry = DEFAULT_RETRY, region = DEFAULT_REGION } = options;
    const address = parseEndpoint(options.endpoint);
    const useSSL = address.protocol === 'https:';
    this.endpoint = address.origin;
    this.#bucket = options.bucket;
    this.#region = region;
    this.#retry = retry;
    this.#fixed = 'keys' in options ? null : options;
    this.#renewed = 'keys' in options ? new RenewedKeys(options.keys) : null;
    this.client = new (minio().Client)({
      // The client wants an IPv6 address without its brackets.
      endPoint: address.hostname.replace(/^\[|\]$/g, ''),
      port: address.port === '' ? (useSSL ? 443 : 80) : Number(address.port),
      useSSL,
      // With a region given the client need not ask the server for it.
      region,
      transport: transportWithTimeout(useSSL, timeoutMs),
      retryOptions: { disableRetry: true },
      ...(this.#renewed === null ? {} : { credentialsProvider: providerOf(this.#renewed) }),
      ...(this.#fixed === null ? {} : { accessKey: this.#fixed.accessKey, secretKey: this.#fixed.secretKey }),
      ...(this.#fixed?.sessionToken === undefined ? {} : { sessionToken: this.#fixed.sessionToken }),
    });
  }

  /** The region for which requests are signed: the one that was set, until the store names the bucket's own. */
  get region(): string {
    return this.#region;
  }

  /** Whether the keys come from a source and are renewed, rather than set for this process. */
  get renews(): boolean {
    return this.#renewed !== null;
  }

  /** Texts that must not get into a message, among them those of earlier keys. */
  get secrets(): readonly string[] {
    const { accessKey, secretKey, sessionToken = '' } = this.#fixed ?? { accessKey: '', secretKey: '' };
    return this.#renewed?.secrets ?? [secretKey, accessKey, sessionToken];
  }

  /** Sends one request, and sends it again after a failure that passes. */
  send<T>(request: () => Promise<T>): Promise<T> {
    return withRetry(() => this.#inWords(() => this.#inItsRegion(request)), isTransient, this.#retry);
  }

  /** A refusal without a body may be of the keys, or of what they were to do. Another request, whose refusal has a
   *  body, tells which. @throws the refusal that says more. */
  async #inWords<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (refusal) {
      if (this.#bucket === '' || !isWordless(refusal)) throw refusal;
      const question = { method: 'GET', bucketName: this.#bucket, query: 'location' };
      const asked = this.client.makeRequestAsyncOmit(question, '', [200], this.#region);
      const answer: unknown = await asked.then(
        () => null,
        (error: unknown) => error,
      );
      throw refusesKeys(answer) || isTransient(answer) ? answer : refusal;
    }
  }

  /** A bucket may lie in another region than the one that was set. The store's refusal then names it, and the request
   *  is sent again. */
  async #inItsRegion<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await this.#withGoodKeys(request);
    } catch (error) {
      const region = regionNamedBy(error);
      if (region === null || region === this.#region) throw error;
      this.#region = region;
      // The client's types hide this property; the client reads it for each request.
      Object.assign(this.client, { region });
      return this.#withGoodKeys(request);
    }
  }

  /** A refusal may only mean that the keys have ended, by the server's clock or because they were taken back. The
   *  request is then sent once more with other keys. */
  async #withGoodKeys<T>(request: () => Promise<T>): Promise<T> {
    const used = this.#renewed?.current ?? null;
    try {
      return await request();
    } catch (error) {
      if (this.#renewed === null || !isDenied(error)) throw error;
      // Wrapped in the same way in which the client wraps an error of the source of its keys.
      await this.#renewed.replace(used).catch((cause: unknown) => {
        throw new Error('there are no other keys', { cause });
      });
      return request();
    }
  }
}

/** The client asks this for keys before each request. It takes any object with this method, though its types want a
 *  class, which its package declares twice. */
function providerOf(keys: RenewedKeys): NonNullable<Minio.ClientOptions['credentialsProvider']> {
  const provider = {
    async getCredentials() {
      const { accessKey, secretKey, sessionToken } = await keys.get();
      return { getAccessKey: () => accessKey, getSecretKey: () => secretKey, getSessionToken: () => sessionToken };
    },
  };
  return provider as unknown as NonNullable<Minio.ClientOptions['credentialsProvider']>;
}

function parseEndpoint(endpoint: string): URL {
  const address = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  // The text itself is not repeated: it may hold a password.
  if (
    address === undefined ||
    !/^https?:$/.test(address.protocol) ||
    (address.pathname !== '/' && address.pathname !== '')
  )
    throw new RaptError(
      ErrorKind.badInput,
      'the object store\'s endpoint must be an address such as "http://127.0.0.1:9000", without a path',
    );
  return address;
}
