/** Guessing tokens from their neighbours as well: a hidden Markov model whose hidden states are the plain tokens, whose
 *  emissions are the mechanism, and whose transitions are estimated from public text, where there is some, and from the
 *  release itself. */
import { inTurns, Turns, type Work } from '../turns.ts';
import type { Guesses } from './inference.ts';

/** Plain tokens considered at each place: those of largest posterior without context. */
const CANDIDATES = 24;
/** Rounds of decoding the release and counting in what was decoded (Viterbi training). */
const ROUNDS = 2;
/** Tokens' worth of the context-free prior in each transition probability (Dirichlet smoothing, MacKay and Peto
 *  1995). */
const SMOOTHING = 20;
const BEGIN = -1;
/** Pairs that are looked up before others may have their turn. */
const LOOKED_UP = 2 ** 14;

/** log P(y|x) of each output's candidates. */
export type Emissions = ReadonlyMap<number, Float32Array>;

/** P(token | token before), smoothed: (count + SMOOTHING prior) / (total + SMOOTHING). All logarithms are natural. */
export class Transitions {
  readonly #tokens: number;
  /** log(count + SMOOTHING prior) of each pair that was seen. */
  readonly #seen = new Map<number, number>();
  /** The same of a pair that was not seen, by token. */
  readonly #unseen: Float64Array;
  /** log(total + SMOOTHING), by the token before + 1: the first is that of a text's beginning. */
  readonly #totals: Float64Array;
  /** Tokens seen after each one, the likeliest first, in one list: those of token t are from starts[t + 1] to starts[t
   *  + 2]. */
  readonly #starts: Int32Array;
  #followers = new Int32Array();
  /** Largest log P(token | before) over all tokens before. */
  readonly #most: Float64Array;

  private constructor(prior: Float64Array) {
    this.#tokens = prior.length;
    this.#unseen = prior.map((p) => Math.log(SMOOTHING * p));
    this.#most = this.#unseen.map((log) => log - Math.log(SMOOTHING));
    this.#totals = new Float64Array(prior.length + 1);
    this.#starts = new Int32Array(prior.length + 2);
  }

  static *learn(prior: Float64Array, texts: Iterable<ArrayLike<number>>): Work<Transitions> {
    const transitions = new Transitions(prior);
    yield* transitions.#learn(prior, texts);
    return transitions;
  }

  *#learn(prior: Float64Array, texts: Iterable<ArrayLike<number>>): Work<void> {
    const totals = this.#totals;
    for (const text of texts) {
      let before = BEGIN;
      for (let at = 0; at < text.length; at++) {
        const key = this.#key(before, text[at]!);
        this.#seen.set(key, (this.#seen.get(key) ?? 0) + 1);
        totals[before + 1]!++;
        before = text[at]!;
      }
      yield;
    }
    for (let row = 0; row < totals.length; row++) totals[row] = Math.log(totals[row]! + SMOOTHING);
    let done = 0;
    for (const [key, count] of this.#seen) {
      this.#seen.set(key, Math.log(count + SMOOTHING * prior[key % this.#tokens]!));
      if (done++ % LOOKED_UP === 0) yield;
    }
    const keys = Float64Array.from(this.#seen.keys()).sort();
    yield;
    this.#followers = Int32Array.from(keys, (key) => key % this.#tokens);
    for (const key of keys) this.#starts[Math.floor(key / this.#tokens) + 1]!++;
    for (let row = 0; row < totals.length; row++) this.#starts[row + 1]! += this.#starts[row]!;
    yield;
    for (let before = BEGIN; before < prior.length; before++) {
      this.followers(before).sort((a, b) => this.log(before, b) - this.log(before, a));
      for (const token of this.followers(before))
        this.#most[token] = Math.max(this.#most[token]!, this.log(before, token));
      yield;
    }
  }

  log(before: number, token: number): number {
    return (this.seen(before, token) ?? this.#unseen[token]!) - this.#totals[before + 1]!;
  }

  /** log P without its denominator; undefined for a pair that was not seen. */
  seen(before: number, token: number): number | undefined {
    return this.#seen.get(this.#key(before, token));
  }

  /** Its likelihood after any token with which it was not seen, without the denominator. */
  unseen(token: number): number {
    return this.#unseen[token]!;
  }

  /** What `seen` and `unseen` lack. */
  denominator(before: number): number {
    return this.#totals[before + 1]!;
  }

  /** No token makes this one likelier than that. */
  most(token: number): number {
    return this.#most[token]!;
  }

  /** Tokens seen after this one, the likeliest first. */
  followers(before: number): Int32Array {
    return this.#followers.subarray(this.#starts[before + 1], this.#starts[before + 2]);
  }

  #key(before: number, token: number): number {
    return (before + 1) * this.#tokens + token;
  }
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

/** The likeliest plain text of each released one, and the transitions that were learned. @throws the signal's
 *  reason. */
export function decodeInContext(
  options: ContextOptions,
  { signal }: Pick<Turns, 'signal'> = new Turns(),
): Promise<{ decoded: Int32Array[]; transitions: Transitions }> {
  return inTurns(decoding(options), signal);
}

function* decoding({
  released,
  guesses,
  emissions,
  prior,
  publicTexts,
}: ContextOptions): Work<{ decoded: Int32Array[]; transitions: Transitions }> {
  let decoded: Int32Array[] = released.map((text) => text.map((y) => guesses.get(y)![0]!));
  let transitions: Transitions | null = null;
  for (let round = 0; round < ROUNDS; round++) {
    transitions = yield* Transitions.learn(prior, [...publicTexts, ...decoded]);
    const next: Int32Array[] = [];
    for (const text of released) {
      next.push(viterbi(text, guesses, emissions, transitions));
      yield;
    }
    decoded = next;
  }
  return { decoded, transitions: transitions! };
}

/** The path of largest probability (Viterbi, IEEE Trans. Inf. Theory 13(2), 1967) through each place's candidates. Most
 *  pairs of candidates were never seen together, and what is best among these is the same for every token; the others
 *  are looked up while they can still win. */
function viterbi(text: Int32Array, guesses: Guesses, emissions: Emissions, transitions: Transitions): Int32Array {
  const path = new Int32Array(text.length);
  if (text.length === 0) return path;
  const candidates = Array.from(text, (y) => guesses.get(y)!.subarray(0, CANDIDATES));
  const came: Uint8Array[] = [];
  let scores = Float64Array.from(candidates[0]!, (x, k) => transitions.log(BEGIN, x) + emissions.get(text[0]!)![k]!);
  for (let at = 1; at < text.length; at++) {
    const [before, here, likelihood] = [candidates[at - 1]!, candidates[at]!, emissions.get(text[at]!)!];
    const from = new Uint8Array(here.length);
    const next = new Float64Array(here.length);
    const byScore = descending(scores);
    const reached = new Float64Array(scores.length);
    let likeliest = 0;
    for (let b = 0; b < reached.length; b++) {
      reached[b] = scores[b]! - transitions.denominator(before[b]!);
      if (reached[b]! > reached[likeliest]!) likeliest = b;
    }
    for (let k = 0; k < here.length; k++) {
      const x = here[k]!;
      const most = transitions.most(x);
      let best = reached[likeliest]! + transitions.unseen(x);
      let through = likeliest;
      for (let place = 0; place < byScore.length; place++) {
        const b = byScore[place]!;
        if (scores[b]! + most <= best) break;
        const seen = transitions.seen(before[b]!, x);
        if (seen === undefined || reached[b]! + seen <= best) continue;
        best = reached[b]! + seen;
        through = b;
      }
      from[k] = through;
      next[k] = best + likelihood[k]!;
    }
    came.push(from);
    scores = next;
  }
  let k = descending(scores)[0]!;
  for (let at = text.length - 1; at >= 0; at--) {
    path[at] = candidates[at]![k]!;
    if (at > 0) k = came[at - 1]![k]!;
  }
  return path;
}

/** Places of the largest score, the next one, and so on. By insertion: there are few, and they come nearly in order. */
function descending(scores: Float64Array): Uint8Array {
  const order = new Uint8Array(scores.length);
  for (let k = 0; k < scores.length; k++) {
    let place = k;
    for (; place > 0 && scores[order[place - 1]!]! < scores[k]!; place--) order[place] = order[place - 1]!;
    order[place] = k;
  }
  return order;
}

/** What stands at a place, from its decoded neighbours alone: the token itself is masked. @param frequent tokens that
 *  are tried besides those seen after `before`, the most frequent first. */
export function fromNeighbours(
  before: number | undefined,
  after: number | undefined,
  transitions: Transitions,
  frequent: Int32Array,
): number {
  let best = frequent[0]!;
  let score = -Infinity;
  const last = before ?? BEGIN;
  /** In the order of their likelihood after `before`, up to where none can win any more. */
  const consider = (tokens: Int32Array, skips: (x: number) => boolean): void => {
    for (const x of tokens) {
      if (skips(x)) continue;
      const first = transitions.log(last, x);
      if (first + (after === undefined ? 0 : transitions.most(after)) <= score) return;
      const both = first + (after === undefined ? 0 : transitions.log(x, after));
      if (both > score) [score, best] = [both, x];
    }
  };
  consider(transitions.followers(last), () => false);
  consider(frequent, (x) => transitions.seen(last, x) !== undefined);
  return best;
}
