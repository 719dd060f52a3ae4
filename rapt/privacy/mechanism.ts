/** What a mechanism is to its users, and what a sampler adds to a table to make one. */
import type { Guarantee } from '../../contracts/index.ts';
import type { Work } from '../turns.ts';

/** A randomized map from token to token. A text goes through it token by token, and every token in the same way. */
export interface Mechanism {
  readonly name: Guarantee['mechanism'];
  /** d_chi-privacy parameter in 1 / embedding distance; null for `none`. */
  readonly eta: number | null;
  /** One noisy id for each id, drawn independently. @throws RangeError for an id outside the table. */
  privatize(ids: Int32Array): Int32Array;
  /** As `privatize`, in stretches with turns for others between them: over a large vocabulary a text takes seconds.
   *  @throws the signal's reason when aborted. */
  privatizeInTurns(ids: Int32Array, signal?: AbortSignal): Promise<Int32Array>;
  /** If tables take long to make: reads from a folder those that an earlier attempt made, and from now on keeps new
   *  ones there. They tell which tokens were privatized, so the folder is as private as the texts, and its owner
   *  removes it in the end.
   *  @throws the signal's reason when aborted. */
  keepTables(folder: string, signal?: AbortSignal): Promise<void>;
  /** So many tokens are best given at once: what is made for a token of the vocabulary then serves all of its
   *  places. */
  readonly batchTokens: number;
  /** Bound on |log P(y|x) - log P(y|x')| for every y, when phi(x) and phi(x') are this far apart. */
  lossBound(distance: number): number;
  readonly guarantee: Guarantee;
  /** Frees the memory on the device. */
  dispose(): void;
}

/** What a mechanism adds to the table that it works on. */
export interface Sampler {
  privatizing(ids: Int32Array): Work<Int32Array>;
  readonly batchTokens: number;
  /** As `Mechanism.keepTables`. Absent when no tables take long to make. */
  keepingTables?(folder: string): Work<void>;
  /** Closes the files in which it keeps tables. */
  close?(): void;
  /** What finite precision adds to eta * distance; and the chance, for each token, that no bound holds. */
  readonly numericalSlack: number;
  readonly numericalDelta: number;
}
