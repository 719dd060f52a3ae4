/** Guessing tokens from their neighbours as well: a hidden Markov model whose hidden states are the plain tokens, whose emissions are the mechanism,
 *  and whose transitions are estimated from public text, where there is some, and from the release itself. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Guesses } from './inference.ts';

/** Plain tokens considered at each place: those of largest posterior without context. */
const CANDIDATES = 24;
/** Rounds of decoding the release and counting in what was decoded (Viterbi training). */
const ROUNDS = 2;
/** Tokens' worth of the context-free prior in each transition probability (Dirichlet smoothing, MacKay and Peto 1995). */
const SMOOTHING = 20;
const BEGIN = -1;

/** log P(y|x) of each output's candidates. */
export type Emissions = ReadonlyMap<number, Float32Array>;

export class Transitions {
  readonly #counts = new Map<number, number>();
  readonly #totals = new Map<number, number>();
  readonly #followers = new Map<number, Set<number>>();
  readonly #prior: Float64Array;

  constructor(prior: Float64Array) {
    this.#prior = prior;
  }

  add(text: ArrayLike<number>): void {
    let before = BEGIN;
    for (let at = 0; at < text.length; at++) {
      const token = text[at]!;
      const key = this.#key(before, token);
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
      this.#totals.set(before, (this.#totals.get(before) ?? 0) + 1);
      const followers = this.#followers.get(before) ?? new Set();
      this.#followers.set(before, followers.add(token));
      before = token;
    }
  }

  /** log P(token | before), smoothed. */
  log(before: number, token: number): number {
    const count = this.#counts.get(this.#key(before, token)) ?? 0;
    return Math.log((count + SMOOTHING * this.#prior[token]!) / ((this.#totals.get(before) ?? 0) + SMOOTHING));
  }

  /** Tokens seen after this one. */
  followers(before: number): Iterable<number> {
    return this.#followers.get(before) ?? [];
  }

  readonly #key = (before: number, token: number): number => (before + 1) * (this.#prior.length + 1) + token;
}

export interface ContextOptions {
  readonly released: readonly Int32Array[];
  /** Of every released token, best first, at least a few. */
  readonly guesses: Guesses;
  readonly emissions: Emissions;
  readonly prior: Float64Array;
  /** Tokenized public sentences. */
  readonly publicTexts: readonly Int32Array[];
}

/** The likeliest plain text of each released one, and the transitions that were learned. */
export async function decodeInContext({ released, guesses, emissions, prior, publicTexts }: ContextOptions): Promise<{ decoded: Int32Array[]; transitions: Transitions }> {
  let decoded: Int32Array[] = released.map((text) => text.map((y) => guesses.get(y)![0]!));
  let transitions = new Transitions(prior);
  for (let round = 0; round < ROUNDS; round++) {
    transitions = new Transitions(prior);
    for (const text of publicTexts) transitions.add(text);
    for (const text of decoded) transitions.add(text);
    const next: Int32Array[] = [];
    for (const [at, text] of released.entries()) {
      next.push(viterbi(text, guesses, emissions, transitions));
      if (at % 100 === 0) await nextTurn();
    }
    decoded = next;
  }
  return { decoded, transitions };
}

/** The path of largest probability (Viterbi, IEEE Trans. Inf. Theory 13(2), 1967) through each place's candidates. */
function viterbi(text: Int32Array, guesses: Guesses, emissions: Emissions, transitions: Transitions): Int32Array {
  const path = new Int32Array(text.length);
  if (text.length === 0) return path;
  const candidates = Array.from(text, (y) => guesses.get(y)!.subarray(0, CANDIDATES));
  const came: Int32Array[] = [];
  let scores = Float64Array.from(candidates[0]!, (x, k) => transitions.log(BEGIN, x) + emissions.get(text[0]!)![k]!);
  for (let at = 1; at < text.length; at++) {
    const from = new Int32Array(candidates[at]!.length);
    const next = Float64Array.from(candidates[at]!, (x, k) => {
      let best = -Infinity;
      candidates[at - 1]!.forEach((before, b) => {
        const score = scores[b]! + transitions.log(before, x);
        if (score > best) [best, from[k]] = [score, b];
      });
      return best + emissions.get(text[at]!)![k]!;
    });
    came.push(from);
    scores = next;
  }
  let k = scores.indexOf(Math.max(...scores));
  for (let at = text.length - 1; at >= 0; at--) {
    path[at] = candidates[at]![k]!;
    if (at > 0) k = came[at - 1]![k]!;
  }
  return path;
}

/** What stands at a place, from its decoded neighbours alone: the token itself is masked. */
export function fromNeighbours(before: number | undefined, after: number | undefined, transitions: Transitions, frequent: Int32Array): number {
  let best = frequent[0]!;
  let most = -Infinity;
  const consider = (x: number): void => {
    const score = transitions.log(before ?? BEGIN, x) + (after === undefined ? 0 : transitions.log(x, after));
    if (score > most) [most, best] = [score, x];
  };
  for (const x of transitions.followers(before ?? BEGIN)) consider(x);
  frequent.forEach(consider);
  return best;
}
