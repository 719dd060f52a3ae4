/** Texts of one release that are nearly alike: notes that differ in a name, a mail and its second version, a form
 *  filled in fifty times.
 *
 *  A budget for a tenant bounds what is told of one person's secret. Fifty notes that differ in a word tell it fifty
 *  times, as one note that is released fifty times does. So texts that are nearly alike are counted as occurrences of
 *  one text.
 *
 *  Similarity is that of the tokens that leave, which are what the adversary gets: the Jaccard coefficient J of two
 *  texts' sets of pairs of neighbouring tokens, the last token having the first as its neighbour. Of n tokens a changed
 *  one is in two pairs, so that J = (n - 2) / (n + 2). Texts with the same tokens have J = 1, whatever was cut off
 *  after them.
 *
 *  J is not computed for all pairs of texts; that would take a square of time. MinHash (Broder, "On the resemblance and
 *  containment of documents", 1997): the smallest value of a random function over a set is that of another set with a
 *  chance of J. Locality-sensitive hashing (Indyk and Motwani, STOC 1998; Leskovec, Rajaraman and Ullman, "Mining of
 *  Massive Datasets", section 3.4): a band is four such values, and agrees with a chance of p = J^4. Two texts are of
 *  one family when at least two of 16 bands agree:
 *
 *      P(J) = 1 - (1 - p)^16 - 16 p (1 - p)^15
 *
 *      J      1     0.9        0.8     0.7    0.6    0.5    0.3      0.2       0.1      0.02
 *      P      1     0.999999   0.997   0.93   0.63   0.26   0.0073   0.00030   1.2e-6   3e-12
 *
 *  Families are closed under this: a is of c's when both are of b's. That catches more of a large family than of a
 *  pair. A band of a note that differs from many others in the same token agrees with others' when none of its smallest
 *  values lies beside that token, which has a chance of ((n - 2) / n)^4: a note of six tokens is missed by all others
 *  with a chance of 0.15, one of ten with 0.003, one of twenty with 1e-6. Of ordinary texts, short ones are joined now
 *  and then, such as "a dreary movie." and "a funny movie.".
 *
 *  The functions are drawn by a key, so that nobody who writes texts can aim at them, and are the same in every
 *  attempt. Nothing of a sketch is kept or leaves. Families are those within one release. Across releases nothing needs
 *  to be compared: a tenant's spending is the sum over all releases of what its largest family cost in each, as if that
 *  were one family.
 *
 *  Memory: 64 bytes a text, and up to 24 more while families are found. Time: 64 values of a function for each token,
 *  then 16 passes over the texts, and 120 over those that share one band with another text. */
import { createHmac } from 'node:crypto';
import { Turns } from '../turns.ts';

const BANDS = 16;
const ROWS_PER_BAND = 4;
const FUNCTIONS = BANDS * ROWS_PER_BAND;
const NONE = -1;

/** Finds the largest family of texts that are equal or nearly alike. */
export class Families {
  /** One for each function. */
  readonly #seeds: Uint32Array;
  /** Of each band, a value for each text. */
  #bands: Uint32Array[] = Array.from({ length: BANDS }, () => new Uint32Array(1024));
  #count = 0;
  readonly #smallest = new Uint32Array(FUNCTIONS);

  /** @param secret this client's own, from `clientSecret`. */
  constructor(secret: Uint8Array) {
    this.#seeds = new Uint32Array(FUNCTIONS);
    for (let at = 0; at < FUNCTIONS; at++)
      this.#seeds[at] = createHmac('sha256', secret).update(`family ${at}`).digest().readUInt32BE();
  }

  /** @param tokens of a text, those that are kept of it. One without tokens tells nothing, and is of no family. */
  add(tokens: Int32Array): void {
    if (tokens.length === 0) return;
    if (this.#count === this.#bands[0]!.length) this.#bands = this.#bands.map(larger);
    const smallest = this.#smallest.fill(0xffff_ffff);
    let before = tokens[tokens.length - 1]!;
    for (const token of tokens) {
      const pair = mixed(Math.imul(before, 0x9e37_79b1) ^ mixed(token));
      for (let at = 0; at < FUNCTIONS; at++) {
        const value = mixed(pair ^ this.#seeds[at]!);
        if (value < smallest[at]!) smallest[at] = value;
      }
      before = token;
    }
    for (let band = 0; band < BANDS; band++) {
      let value = 0;
      for (let row = 0; row < ROWS_PER_BAND; row++) value = mixed(value ^ smallest[band * ROWS_PER_BAND + row]!);
      this.#bands[band]![this.#count] = value;
    }
    this.#count++;
  }

  /** Number of texts in the largest family; 0 when no text was added. */
  async largest(turns = new Turns()): Promise<number> {
    const families = new Forest(this.#count);
    for (let one = 0; one < BANDS - 1; one++) {
      const sharing = textsSharing(this.#bands[one]!, this.#count);
      const table = slotsFor(sharing.length);
      for (let other = one + 1; other < BANDS; other++) {
        joinEqual(this.#bands[one]!, this.#bands[other]!, sharing, table.fill(NONE), families);
        await turns.next();
      }
    }
    return families.largest;
  }
}

/** Of open-addressing hash tables (Knuth, The Art of Computer Programming 3, section 6.4), half full at most. */
const slotsFor = (count: number): Int32Array => new Int32Array(2 ** Math.ceil(Math.log2(2 * count + 1))).fill(NONE);

/** Texts whose value in this band another text has, too. */
function textsSharing(band: Uint32Array, count: number): Int32Array {
  const slots = slotsFor(count);
  const mask = slots.length - 1;
  const shared = new Uint8Array(count);
  let sharing = 0;
  for (let text = 0; text < count; text++) {
    const value = band[text]!;
    let slot = value & mask;
    let first = slots[slot]!;
    while (first !== NONE && band[first] !== value) {
      slot = (slot + 1) & mask;
      first = slots[slot]!;
    }
    if (first === NONE) slots[slot] = text;
    else {
      sharing += 2 - shared[first]!;
      shared[first] = shared[text] = 1;
    }
  }
  const texts = new Int32Array(sharing);
  for (let text = 0, at = 0; text < count; text++) if (shared[text] === 1) texts[at++] = text;
  return texts;
}

/** Joins those of the texts that agree in both bands. */
function joinEqual(one: Uint32Array, other: Uint32Array, texts: Int32Array, slots: Int32Array, families: Forest): void {
  const mask = slots.length - 1;
  for (const text of texts) {
    const [a, b] = [one[text]!, other[text]!];
    let slot = mixed(a ^ Math.imul(b, 0x9e37_79b1)) & mask;
    let first = slots[slot]!;
    while (first !== NONE && (one[first] !== a || other[first] !== b)) {
      slot = (slot + 1) & mask;
      first = slots[slot]!;
    }
    if (first === NONE) slots[slot] = text;
    else families.join(first, text);
  }
}

/** Disjoint sets (Tarjan, "Efficiency of a good but not linear set union algorithm", 1975), joined by size, paths
 *  halved. */
class Forest {
  /** Of a root its set's size, negated; of others the one above. */
  readonly #above: Int32Array;
  largest: number;

  constructor(count: number) {
    this.#above = new Int32Array(count).fill(-1);
    this.largest = Math.min(1, count);
  }

  join(a: number, b: number): void {
    let [larger, smaller] = [this.#rootOf(a), this.#rootOf(b)];
    if (larger === smaller) return;
    if (this.#above[larger]! > this.#above[smaller]!) [larger, smaller] = [smaller, larger];
    this.#above[larger]! += this.#above[smaller]!;
    this.#above[smaller] = larger;
    this.largest = Math.max(this.largest, -this.#above[larger]!);
  }

  #rootOf(text: number): number {
    let at = text;
    for (let above = this.#above[at]!; above >= 0; above = this.#above[at]!) {
      const higher = this.#above[above]!;
      if (higher < 0) return above;
      this.#above[at] = higher;
      at = higher;
    }
    return at;
  }
}

/** A one-to-one function of 32 bits in which each bit of the argument turns half of the value's: the end of
 *  MurmurHash3. */
function mixed(value: number): number {
  let mix = value;
  mix = Math.imul(mix ^ (mix >>> 16), 0x85eb_ca6b);
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2_ae35);
  return (mix ^ (mix >>> 16)) >>> 0;
}

function larger(values: Uint32Array): Uint32Array {
  const twice = new Uint32Array(2 * values.length);
  twice.set(values);
  return twice;
}
