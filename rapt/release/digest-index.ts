/** The places of 64-bit digests: some sixteen bytes a place beside the digests themselves. A `Map` of big integers
 *  takes a hundred, and holds no more than 2^24. */
import type { Turns } from '../turns.ts';

/** Places entered between two looks at the clock. */
const STRIDE = 1 << 16;
const NONE = -1;

/** An open-addressing hash table (Knuth, The Art of Computer Programming 3, section 6.4) over digests that are evenly
 *  distributed already: their own low bits are the hash. */
export class DigestIndex {
  /** Different digests. */
  readonly size: number;
  /** Low and high half of each place's digest. [2 * places] */
  readonly #words: Uint32Array;
  /** First place of the digest that hashes there; as many again as there are places at least, a power of two. */
  readonly #slots: Int32Array;
  /** Next place of the same digest after each one. [places] */
  readonly #following: Int32Array;

  private constructor(words: Uint32Array, slots: Int32Array, following: Int32Array, size: number) {
    this.#words = words;
    this.#slots = slots;
    this.#following = following;
    this.size = size;
  }

  /** @param skipped digest of places that are nobody's. */
  static async of(digests: BigUint64Array, skipped: bigint, turns: Turns): Promise<DigestIndex> {
    const words = new Uint32Array(digests.buffer, digests.byteOffset, 2 * digests.length);
    const slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * digests.length + 1))).fill(NONE);
    const following = new Int32Array(digests.length).fill(NONE);
    const [skippedLow, skippedHigh] = halves(skipped);
    let size = 0;
    // From the end, so that each digest's first place ends up in its slot.
    for (let place = digests.length - 1; place >= 0; place--) {
      if (place % STRIDE === 0) await turns.next();
      const [low, high] = [words[2 * place]!, words[2 * place + 1]!];
      if (low === skippedLow && high === skippedHigh) continue;
      const slot = slotOf(words, slots, low, high);
      const first = slots[slot]!;
      if (first === NONE) size++;
      following[place] = first;
      slots[slot] = place;
    }
    return new DigestIndex(words, slots, following, size);
  }

  /** Hands out each digest's places one by one, in their order; null when there is none left. A digest's next one is
   *  found at once, however often it stands. */
  handOut(): (digest: bigint) => number | null {
    const next = this.#slots.slice();
    return (digest) => {
      const [low, high] = halves(digest);
      const slot = slotOf(this.#words, this.#slots, low, high);
      const place = next[slot]!;
      if (place === NONE) return null;
      next[slot] = this.#following[place]!;
      return place;
    };
  }
}

/** Of a digest, or of the gap where it would be. */
function slotOf(words: Uint32Array, slots: Int32Array, low: number, high: number): number {
  const mask = slots.length - 1;
  for (let slot = low & mask; ; slot = (slot + 1) & mask) {
    const place = slots[slot]!;
    if (place === NONE || (words[2 * place] === low && words[2 * place + 1] === high)) return slot;
  }
}

// As a little-endian machine lays a 64-bit integer out.
const halves = (digest: bigint): [low: number, high: number] => [Number(digest & 0xffff_ffffn), Number(digest >> 32n)];
