/** A hunter of privacy violations, in the manner of Google's dp_auditorium (arXiv 2307.05608) and of DP-Sniper (Bichsel
 *  et al., S&P 2021): it knows a mechanism by its draws alone, looks for a pair of inputs and a set of outputs that
 *  tell them apart too well, and proves on fresh draws that they do. */
export interface Hunted {
  /** Independent answers to one input. */
  readonly draw: (id: number, count: number) => Int32Array;
  readonly pairs: readonly (readonly [number, number])[];
  /** The claimed bound of |log P(S|x) - log P(S|x')|. */
  readonly bound: (x: number, other: number) => number;
}

export interface Finding {
  readonly pair: readonly [number, number];
  readonly outputs: readonly number[];
  /** With confidence 1 - ALPHA over all pairs, the true log-ratio is more than this. */
  readonly logRatio: number;
  readonly bound: number;
}

/** Chance of a false alarm in a whole hunt. */
const ALPHA = 1e-3;

/** @param draws of each input for the search, and as many for the proof. @returns the finding that is furthest above
 *  its bound; null when none is above. */
export function hunt({ draw, pairs, bound }: Hunted, draws: number): Finding | null {
  const directed = pairs.flatMap(([x, other]): (readonly [number, number])[] => [
    [x, other],
    [other, x],
  ]);
  let worst: Finding | null = null;
  for (const pair of directed) {
    const outputs = suspect(counts(draw(pair[0], draws)), counts(draw(pair[1], draws)), draws);
    const inside = (id: number): number => draw(id, draws).reduce((hits, y) => hits + (outputs.includes(y) ? 1 : 0), 0);
    const alpha = ALPHA / (2 * directed.length);
    const logRatio = Math.log(
      boundedRate(inside(pair[0]), draws, alpha, 'lower') / boundedRate(inside(pair[1]), draws, alpha, 'upper'),
    );
    const finding = { pair, outputs, logRatio, bound: bound(...pair) };
    if (
      finding.logRatio > finding.bound &&
      (worst === null || finding.logRatio - finding.bound > worst.logRatio - worst.bound)
    )
      worst = finding;
  }
  return worst;
}

/** By Neyman and Pearson the set that tells two laws apart best is one of the outputs of largest likelihood ratio. Of
 *  those sets the one whose ratio is surest is taken: ratio of the rates, each a few standard deviations to its worse
 *  side. */
function suspect(mine: ReadonlyMap<number, number>, others: ReadonlyMap<number, number>, draws: number): number[] {
  const ratio = (y: number): number => (mine.get(y) ?? 0) / ((others.get(y) ?? 0) + 0.5);
  const sorted = [...mine.keys()].sort((a, b) => ratio(b) - ratio(a) || a - b);
  let [here, there] = [0, 0];
  let best = { size: 1, score: -Infinity };
  for (const [at, y] of sorted.entries()) {
    here += mine.get(y) ?? 0;
    there += others.get(y) ?? 0;
    const score = Math.log(boundedRate(here, draws, ALPHA, 'lower') / boundedRate(there, draws, ALPHA, 'upper'));
    if (score > best.score) best = { size: at + 1, score };
  }
  return sorted.slice(0, best.size);
}

function counts(values: Int32Array): Map<number, number> {
  const found = new Map<number, number>();
  for (const value of values) found.set(value, (found.get(value) ?? 0) + 1);
  return found;
}

/** One-sided confidence bound of a rate by Chernoff: a rate p gives hits / n or more with a chance of at most exp(-n
 *  KL(hits / n, p)). */
function boundedRate(hits: number, n: number, alpha: number, side: 'lower' | 'upper'): number {
  const rate = hits / n;
  const limit = Math.log(1 / alpha) / n;
  let [inner, outer] = [rate, side === 'lower' ? 0 : 1];
  for (let halving = 0; halving < 60; halving++) {
    const middle = (inner + outer) / 2;
    if (divergence(rate, middle) < limit) inner = middle;
    else outer = middle;
  }
  return outer;
}

/** Kullback-Leibler divergence of two coins. */
const divergence = (a: number, b: number): number =>
  (a === 0 ? 0 : a * Math.log(a / b)) + (a === 1 ? 0 : (1 - a) * Math.log((1 - a) / (1 - b)));
