/** Where randomness comes from. Mechanisms see only this port, so that no other generator can slip in. */
import { createCipheriv, createHash, randomFillSync } from 'node:crypto';

/** Where random bytes come from. */
export interface RandomSource {
  /** True only for the operating system's generator. What is drawn from another source carries no guarantee. */
  readonly private: boolean;
  /** Overwrites the bytes with independent uniform ones. */
  fill(bytes: Uint8Array): void;
}

const POOL_BYTES = 1 << 16;

/** Hands out bytes from a pool, since calling a generator costs more than its bytes do, and wipes them from the
 *  pool. */
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

/** The operating system's CSPRNG, by way of OpenSSL's. The pool belongs to this module, so every process and every
 *  worker thread has a pool of its own. */
export const systemRandom: RandomSource = { private: true, fill: (bytes) => systemPool.fill(bytes) };

/** Gives the same bytes for the same seed: AES-256 in counter mode under the seed's hash. Nothing that is released may
 *  be drawn from it. */
export function seededRandom(seed: number): RandomSource {
  const key = createHash('sha256').update(`rapt test seed ${seed}`).digest();
  const keystream = createCipheriv('aes-256-ctr', key, new Uint8Array(16));
  const pool = new Pool((bytes) => bytes.set(keystream.update(new Uint8Array(bytes.length))));
  return { private: false, fill: (bytes) => pool.fill(bytes) };
}
