/** Keys for the store: those that stay, and those that end and are asked for again. */
import { ErrorKind, RaptError } from '../../contracts/index.ts';

export interface StoreKeys {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Of short-lived keys. */
  readonly sessionToken?: string | undefined;
}

/** Keys that end. */
export interface IssuedKeys extends StoreKeys {
  readonly sessionToken: string;
  readonly expiresMs: number;
}

/** Asks for keys.
 *  @throws RaptError unavailable when nobody answers, credentialsRefused when there are none for who asks. */
export type KeySource = () => Promise<IssuedKeys>;

/** Others are asked for so long before these end, or when a third of their time is left if that is shorter. */
const RENEWAL_MS = 5 * 60_000;
/** Least time between two questions while the keys at hand are still good. */
const PAUSE_MS = 10_000;
/** Who is refused asks again after 1, 2, 4 ... 15 s, however many requests need keys: retries come every 20 s. */
const FIRST_REFUSAL_MS = 1000;
const LONGEST_REFUSAL_MS = 15_000;
/** A message may be about a request that was sent with keys of before. */
const KEYS_REMEMBERED = 4;

/** Keys for one request after the other. They are renewed while the ones at hand still hold, so that no request waits;
 *  while nobody gives others, those at hand are used to their end. */
export class RenewedKeys {
  readonly #source: KeySource;
  readonly #now: () => number;
  #keys: IssuedKeys | null = null;
  #renewFromMs = 0;
  #asking: Promise<IssuedKeys> | null = null;
  #refusal: { readonly error: RaptError; readonly pauseMs: number; readonly untilMs: number } | null = null;
  #remembered: readonly IssuedKeys[] = [];

  constructor(source: KeySource, now: () => number = Date.now) {
    this.#source = source;
    this.#now = now;
  }

  /** Those at hand; null before the first request. */
  get current(): IssuedKeys | null {
    return this.#keys;
  }

  /** All that must not get into a message. */
  get secrets(): readonly string[] {
    return this.#remembered.flatMap(({ accessKey, secretKey, sessionToken }) => [secretKey, accessKey, sessionToken]);
  }

  /** Keys that hold. @throws RaptError as the source does, when there are none. */
  async get(): Promise<IssuedKeys> {
    if (this.#keys === null || this.#keys.expiresMs <= this.#now()) return this.#ask();
    if (this.#now() >= this.#renewFromMs) {
      this.#renewFromMs = this.#now() + PAUSE_MS;
      // The keys at hand are good; when nobody gives others before they end, that is told then.
      this.#ask().catch(() => undefined);
    }
    return this.#keys;
  }

  /** Asks for others at once, since the server refused these; unless there are others already. */
  async replace(refused: IssuedKeys | null): Promise<void> {
    if (this.#keys === refused) await this.#ask();
  }

  /** One question at a time, whoever needs its answer; for a while after a refusal that is the answer. */
  #ask(): Promise<IssuedKeys> {
    if (this.#refusal !== null && this.#now() < this.#refusal.untilMs) return Promise.reject(this.#refusal.error);
    this.#asking ??= this.#source()
      .then(
        (keys) => this.#given(keys),
        (error: unknown) => this.#refused(error),
      )
      .finally(() => (this.#asking = null));
    return this.#asking;
  }

  #given(keys: IssuedKeys): IssuedKeys {
    this.#refusal = null;
    this.#keys = keys;
    this.#renewFromMs = keys.expiresMs - Math.min(RENEWAL_MS, (keys.expiresMs - this.#now()) / 3);
    this.#remembered = [keys, ...this.#remembered].slice(0, KEYS_REMEMBERED);
    return keys;
  }

  #refused(error: unknown): never {
    const isRefusal = error instanceof RaptError && error.kind === ErrorKind.credentialsRefused;
    const before = this.#refusal?.pauseMs ?? FIRST_REFUSAL_MS / 2;
    const pauseMs = Math.min(2 * before, LONGEST_REFUSAL_MS);
    this.#refusal = isRefusal ? { error, pauseMs, untilMs: this.#now() + pauseMs } : null;
    throw error;
  }
}
