/** Sending a request again. The client's own retries are off: they do not cover broken connections, and they print to
 *  the console. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface RetryOptions {
  /** Tries in all. */
  readonly attempts: number;
  /** Upper bound of the first pause. It doubles with each try up to `maxDelayMs`. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
}

/** Some 5 s in all: long enough for a connection to be restored, and short enough for the caller's own retries to take
 *  over. */
export const DEFAULT_RETRY: RetryOptions = { attempts: 6, baseDelayMs: 200, maxDelayMs: 4000 };

/** Calls `action` until it succeeds, fails for good, or the tries are used up. Pauses are drawn uniformly between half
 *  the bound and the bound ("equal jitter"), so that many workers that failed together do not come back together.
 *  @throws the last error. */
export async function withRetry<T>(
  action: (attempt: number) => Promise<T>,
  isTransient: (error: unknown) => boolean,
  options: RetryOptions,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await action(attempt);
    } catch (error) {
      if (attempt >= options.attempts || !isTransient(error)) throw error;
      const bound = Math.min(options.maxDelayMs, options.baseDelayMs * 2 ** (attempt - 1));
      // A weak generator will do: only the server's load depends on these pauses.
      await sleep(bound * (0.5 + Math.random() / 2));
    }
  }
}
