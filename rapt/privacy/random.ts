/** Where randomness comes from. Mechanisms see this port only, so that no other generator can slip in. */
import { createCipheriv, createHash, randomFillSync } from 'node:crypto';

export interface RandomSource {
  /** True for the operating system's generator alone; whatever is drawn from another source carries no guarantee. */
  readonly private: boolean;
  /** Overwrites the bytes with independent uniform ones. */
  fill(bytes: Uint8Array): void;
}

const POOL_BYTES = 1 << 16;

/** The operating system's CSPRNG, by way of OpenSSL's. Bytes are drawn into a pool, since a call costs more than its bytes, and wiped from
 *  it when handed out. The pool lives in this module: every process and every worker thread has its own. */
class SystemRandom implements RandomSource {
  readonly private = true;
  readonly #pool = new Uint8Array(POOL_BYTES);
  #next = POOL_BYTES;

  fill(bytes: Uint8Array): void {
    if (bytes.length > POOL_BYTES) {
      randomFillSync(bytes);
      return;
    }
    if (this.#next + bytes.length > POOL_BYTES) {
      randomFillSync(this.#pool);
      this.#next = 0;
    }
    const handedOut = this.#pool.subarray(this.#next, (this.#next += bytes.length));
    bytes.set(handedOut);
    handedOut.fill(0);
  }
}

export const systemRandom: RandomSource = new SystemRandom();

/** The same bytes for the same seed: AES-256 in counter mode under the seed's hash. For tests of distributions alone. */
export function seededRandom(seed: number): RandomSource {
  const key = createHash('sha256').update(`rapt test seed ${seed}`).digest();
  const keystream = createCipheriv('aes-256-ctr', key, new Uint8Array(16));
  return {
    private: false,
    fill: (bytes) => bytes.set(keystream.update(new Uint8Array(bytes.length))),
  };
}
