import type { Guarantee } from '../../contracts/index.ts';
import type { Work } from '../turns.ts';

/** A randomized map from token to token. Texts go through token by token, every token alike. */
export interface Mechanism {
  readonly name: Guarantee['mechanism'];
  /** d_chi-privacy parameter in 1 / embedding distance; null for `none`. */
  readonly eta: number | null;
  /** One noisy id for each id, drawn independently. @throws RangeError for an id outside the table. */
  privatize(ids: Int32Array): Int32Array;
  /** The same in stretches, with turns for others between them: over a large vocabulary a text takes seconds. @throws
   *  the signal's reason when aborted. */
  privatizeInTurns(ids: Int32Array, signal?: AbortSignal): Promise<Int32Array>;
  /** Reads tables that an earlier attempt made from a folder, and keeps there what is made from now on, where making
   *  them takes long. They tell which tokens were privatized: the folder is as private as the texts, and its owner
   *  removes it in the end. @throws the signal's reason when aborted. */
  keepTables(folder: string, signal?: AbortSignal): Promise<void>;
  /** Tokens that are best given at once: what is made for a token of the vocabulary then serves all its places. */
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
  /** As `Mechanism.keepTables`; absent where there are none that take long. */
  keepingTables?(folder: string): Work<void>;
  /** Closes the files that it keeps tables in. */
  close?(): void;
  /** What finite precision adds to eta * distance, and the chance for each token that no bound holds. */
  readonly numericalSlack: number;
  readonly numericalDelta: number;
}
