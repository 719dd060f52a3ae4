/** Keys for the store: lasting ones, and short-lived ones that are renewed. */
import { ErrorKind, RaptError } from '../../contracts/index.ts';

export interface StoreKeys {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Only short-lived keys have one. */
  readonly sessionToken?: string | undefined;
}

/** Short-lived keys. */
export interface IssuedKeys extends StoreKeys {
  readonly sessionToken: string;
  readonly expiresMs: number;
}

/** Asks for keys.
 *  @throws RaptError unavailable when nobody answers, credentialsRefused when this process is given none. */
export type KeySource = () => Promise<IssuedKeys>;

/** Keys are renewed this long before they end, or when a third of their time is left if that is shorter. */
const RENEWAL_MS = 5 * 60_000;
/** Least time between two renewals while the keys at hand are still good. */
const PAUSE_MS = 10_000;
/** After a refusal the next question waits 1, 2, 4 ... 15 s, however many requests need keys. The longest pause is
 *  shorter than that of Temporal's retries, 20 s. */
const FIRST_REFUSAL_MS = 1000;
const LONGEST_REFUSAL_MS = 15_000;
/** How many keys are kept out of messages: one may be about a request that was sent with earlier keys. */
const KEYS_REMEMBERED = 4;

/** Short-lived keys for one request after the other. They are renewed while the keys at hand are still good, so that no
 *  request waits. When the renewal fails, the keys at hand are used until they end. */
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

  /** The keys at hand; null before the first request. */
  get current(): IssuedKeys | null {
    return this.#keys;
  }

  /** Texts that must not get into a message. */
  get secrets(): readonly string[] {
    return this.#remembered.flatMap(({ accessKey, secretKey, sessionToken }) => [secretKey, accessKey, sessionToken]);
  }

  /** Keys that are good now. @throws RaptError as the source does, when there are none. */
  async get(): Promise<IssuedKeys> {
    if (this.#keys === null || this.#keys.expiresMs <= this.#now()) return this.#ask();
    if (this.#now() >= this.#renewFromMs) {
      this.#renewFromMs = this.#now() + PAUSE_MS;
      // The keys at hand are still good. If no others come before they end, the next request fails by that.
      this.#ask().catch(() => undefined);
    }
    return this.#keys;
  }

  /** Asks for other keys at once, since the server refused these, unless there are others already. */
  async replace(refused: IssuedKeys | null): Promise<void> {
    if (this.#keys === refused) await this.#ask();
  }

  /** Asks once, whoever needs the answer. For a while after a refusal everybody gets that refusal. */
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
