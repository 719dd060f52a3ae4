/** Guesses tokens from their neighbours as well, by a hidden Markov model. Its hidden states are the plain tokens, its
 *  emissions are the mechanism, and its transitions are estimated from the release itself and from public text, if
 *  there is some. */
import { inTurns, Turns, type Work } from '../turns.ts';
import type { Guesses } from './inference.ts';

/** So many plain tokens are considered at each place: those of largest posterior without context. */
const CANDIDATES = 24;
/** In each round the release is decoded, and transitions are counted in what was decoded (Viterbi training). */
const ROUNDS = 2;
/** The context-free prior counts as so many tokens in each transition probability (Dirichlet smoothing, MacKay and Peto
 *  1995). */
const SMOOTHING = 20;
/** Stands for the token before a text's first one. */
const BEGIN = -1;
/** So many pairs are worked on before others may have their turn. */
const LOOKED_UP = 2 ** 14;

/** log P(y|x) of each output y, for its candidates x in their order. */
export type Emissions = ReadonlyMap<number, Float32Array>;

/** P(token | token before), smoothed: (count + SMOOTHING prior) / (total + SMOOTHING). All logarithms are natural. */
export class Transitions {
  readonly #tokens: number;
  /** log(count + SMOOTHING prior) for each pair that was seen, by its key. */
  readonly #seen = new Map<number, number>();
  /** The same for pairs that were not seen, by their second token. */
  readonly #unseen: Float64Array;
  /** log(total + SMOOTHING), at the token before + 1. The first one is for the beginning of a text. */
  readonly #totals: Float64Array;
  /** One list of the tokens that were seen after each token, the likeliest first. Those after token t stand from
   *  starts[t + 1] to just before starts[t + 2]. */
  #followers = new Int32Array();
  readonly #starts: Int32Array;
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

  /** log P(token | before) without its denominator; undefined for a pair that was not seen. */
  seen(before: number, token: number): number | undefined {
    return this.#seen.get(this.#key(before, token));
  }

  /** log P(token | before) without its denominator, for any token before with which it was not seen. */
  unseen(token: number): number {
    return this.#unseen[token]!;
  }

  /** The denominator that `seen` and `unseen` leave out, as a logarithm. */
  denominator(before: number): number {
    return this.#totals[before + 1]!;
  }

  /** Largest log P(token | before) over all tokens before. */
  most(token: number): number {
    return this.#most[token]!;
  }

  /** The tokens that were seen after this one, the likeliest first. */
  followers(before: number): Int32Array {
    return this.#followers.subarray(this.#starts[before + 1], this.#starts[before + 2]);
  }

  #key(before: number, token: number): number {
    return (before + 1) * this.#tokens + token;
  }
}

export interface ContextOptions {
  readonly released: readonly Int32Array[];
  /** The guesses for every released token, best first; at least a few for each. */
  readonly guesses: Guesses;
  readonly emissions: Emissions;
  readonly prior: Float64Array;
  /** Tokenized public sentences. */
  readonly publicTexts: readonly Int32Array[];
}

/** The likeliest plain text of each released one, and the transitions that were learned.
 *  @throws the signal's reason when aborted. */
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
 *  pairs of candidates were never seen together, and the best token before is the same for all of those. Pairs that
 *  were seen are looked up only while they can still win. */
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

/** The places of the scores, largest first. Sorted by insertion, since there are few and they are nearly in order. */
function descending(scores: Float64Array): Uint8Array {
  const order = new Uint8Array(scores.length);
  for (let k = 0; k < scores.length; k++) {
    let place = k;
    for (; place > 0 && scores[order[place - 1]!]! < scores[k]!; place--) order[place] = order[place - 1]!;
    order[place] = k;
  }
  return order;
}

/** A guess for a masked place, made from its decoded neighbours alone.
 *  @param frequent tokens that are tried besides those seen after `before`, the most frequent first. */
export function fromNeighbours(
  before: number | undefined,
  after: number | undefined,
  transitions: Transitions,
  frequent: Int32Array,
): number {
  let best = frequent[0]!;
  let score = -Infinity;
  const last = before ?? BEGIN;
  /** @param tokens in the order of their likelihood after `before`: the rest is left once no token can win any more. */
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
