/** Where randomness comes from. Mechanisms see this port only, so that no other generator can slip in. */
import { createCipheriv, createHash, randomFillSync } from 'node:crypto';

/** Where random bytes come from. */
export interface RandomSource {
  /** True for the operating system's generator alone; whatever is drawn from another source carries no guarantee. */
  readonly private: boolean;
  /** Overwrites the bytes with independent uniform ones. */
  fill(bytes: Uint8Array): void;
}

const POOL_BYTES = 1 << 16;

/** Hands out bytes of a pool, since a call of a generator costs more than its bytes, and wipes them from it. */
class Pool {
  readonly #refill: (bytes: Uint8Array) => void;
  readonly #pool = new Uint8Array(POOL_BYTES);
  #next = POOL_BYTES;

  constructor(refill: (bytes: Uint8Array) => void) {
    this.#refill = refill;
  }

  fill(bytes: Uint8Array): void {
    if (bytes.length > POOL_BYTES) {
      this.#refill(bytes);
      return;
    }
    if (this.#next + bytes.length > POOL_BYTES) {
      this.#refill(this.#pool);
      this.#next = 0;
    }
    const handedOut = this.#pool.subarray(this.#next, (this.#next += bytes.length));
    bytes.set(handedOut);
    handedOut.fill(0);
  }
}

const systemPool = new Pool(randomFillSync);

/** The operating system's CSPRNG, by way of OpenSSL's. The pool lives in this module: every process and every worker
 *  thread has its own. */
export const systemRandom: RandomSource = { private: true, fill: (bytes) => systemPool.fill(bytes) };

/** The same bytes for the same seed: AES-256 in counter mode under the seed's hash. For tests of distributions
 *  alone. */
export function seededRandom(seed: number): RandomSource {
  const key = createHash('sha256').update(`rapt test seed ${seed}`).digest();
  const keystream = createCipheriv('aes-256-ctr', key, new Uint8Array(16));
  const pool = new Pool((bytes) => bytes.set(keystream.update(new Uint8Array(bytes.length))));
  return { private: false, fill: (bytes) => pool.fill(bytes) };
}
