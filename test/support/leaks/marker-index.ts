/** Finds any of millions of byte strings in one pass over the bytes: the first 8 of each are looked up at every
 *  offset. */

/** Needles of one length, which may overlap: windows over a sequence. */
export interface Windows {
  /** What is known again where one of them is found. */
  readonly what: string;
  readonly bytes: Uint8Array;
  /** Offsets in `bytes` at which needles begin. */
  readonly starts: Uint32Array;
  /** Of each needle; at least 8. */
  readonly length: number;
}

export interface Found {
  readonly windows: Windows;
  /** Where the needle begins in its `bytes`. */
  readonly start: number;
  /** Where it was found. */
  readonly offset: number;
}

/** Windows of a sequence of records, each of which has so many bytes.
 *  @param count records in a window. @param from whether a window may begin at this record. Default: at any. */
export function windowsOf(
  what: string,
  bytes: Uint8Array,
  { size, count, from = () => true }: { size: number; count: number; from?: (record: number) => boolean },
): Windows {
  const starts: number[] = [];
  for (let record = 0; (record + count) * size <= bytes.length; record++) if (from(record)) starts.push(record * size);
  return { what, bytes, starts: Uint32Array.from(starts), length: count * size };
}

/** A sequence that is looked for as a whole. */
export const whole = (what: string, bytes: Uint8Array): Windows => ({
  what,
  bytes,
  starts: Uint32Array.of(0),
  length: bytes.length,
});

const KEY_BYTES = 8;
/** Bits for each needle in the second table: few offsets get past it by chance. */
const BITS_PER_NEEDLE = 32;

export class NeedleIndex {
  readonly #windows: readonly Windows[];
  /** Place of each needle: its windows, and where it begins there. */
  readonly #windowsOf: Uint32Array;
  readonly #starts: Uint32Array;
  /** Needles by their key's hash: the last one of each, and before each the one before; -1 for none. */
  readonly #last: Int32Array;
  readonly #before: Int32Array;
  /** Whether a needle has this pair of bytes at 3 and 7: the exponents, where needles are numbers. Small enough to stay
   *  at hand, which the others are not. */
  readonly #pairs = new Uint8Array(2 ** 16);
  readonly #bits: Uint32Array;
  readonly #bitShift: number;
  readonly #lastShift: number;

  constructor(windows: readonly Windows[]) {
    const needles = windows.reduce((sum, { starts }) => sum + starts.length, 0);
    const log = Math.max(10, Math.ceil(Math.log2(needles)));
    this.#windows = windows;
    this.#windowsOf = new Uint32Array(needles);
    this.#starts = new Uint32Array(needles);
    this.#last = new Int32Array(2 ** log).fill(-1);
    this.#before = new Int32Array(needles);
    this.#bits = new Uint32Array(2 ** log);
    this.#lastShift = 32 - log;
    this.#bitShift = 32 - log - Math.log2(BITS_PER_NEEDLE);
    if (this.#bitShift < 0) throw new RangeError(`${needles} needles are too many`);
    let needle = 0;
    for (const [place, { what, bytes, starts, length }] of windows.entries()) {
      if (length < KEY_BYTES) throw new RangeError(`a needle of ${length} bytes for ${what} is too short`);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (const start of starts) {
        const [low, high] = [view.getUint32(start, true), view.getUint32(start + 4, true)];
        const hash = hashOf(low, high);
        this.#pairs[pairOf(low, high)] = 1;
        const bit = hash >>> this.#bitShift;
        this.#bits[bit >>> 5]! |= 1 << (bit & 31);
        this.#windowsOf[needle] = place;
        this.#starts[needle] = start;
        this.#before[needle] = this.#last[hash >>> this.#lastShift]!;
        this.#last[hash >>> this.#lastShift] = needle++;
      }
    }
  }

  get needles(): number {
    return this.#starts.length;
  }

  /** All places at which a needle stands. */
  *find(bytes: Uint8Array): Generator<Found> {
    const [pairs, bits, shift] = [this.#pairs, this.#bits, this.#bitShift];
    let low = 0;
    let high = 0;
    for (let at = 0; at < bytes.length; at++) {
      low = (low >>> 8) | (high << 24);
      high = (high >>> 8) | (bytes[at]! << 24);
      if (pairs[pairOf(low, high)] === 0) continue;
      const hash = hashOf(low, high);
      const bit = hash >>> shift;
      if ((bits[bit >>> 5]! & (1 << (bit & 31))) === 0 || at < KEY_BYTES - 1) continue;
      const offset = at - KEY_BYTES + 1;
      for (let needle = this.#last[hash >>> this.#lastShift]!; needle >= 0; needle = this.#before[needle]!) {
        const windows = this.#windows[this.#windowsOf[needle]!]!;
        const start = this.#starts[needle]!;
        if (equalAt(bytes, offset, windows, start)) yield { windows, start, offset };
      }
    }
  }
}

function equalAt(bytes: Uint8Array, offset: number, windows: Windows, start: number): boolean {
  if (offset + windows.length > bytes.length) return false;
  for (let i = 0; i < windows.length; i++) if (bytes[offset + i] !== windows.bytes[start + i]) return false;
  return true;
}

const pairOf = (low: number, high: number): number => ((high >>> 16) & 0xff00) | (low >>> 24);

/** Of a key's two halves; its upper bits are well mixed. */
function hashOf(low: number, high: number): number {
  const mixed = Math.imul(low ^ Math.imul(high, 0x85eb_ca6b), 0x9e37_79b1);
  return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b_3c6d) >>> 0;
}
