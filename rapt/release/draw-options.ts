import type { Tokenizer } from '../backbone/index.ts';
import type { Mechanism, RandomSource } from '../privacy/index.ts';
import type { EarlierRows } from './earlier-rows.ts';

/** Where a release is drawn, by what, and who is told of it. */
export interface DrawOptions {
  /** This release's own folder; made if need be. */
  readonly folder: string;
  readonly tokenizer: Pick<Tokenizer, 'encode'> & Partial<Pick<Tokenizer, 'unknownId'>>;
  readonly mechanism: Pick<Mechanism, 'privatizeInTurns' | 'batchTokens' | 'guarantee'> &
    Partial<Pick<Mechanism, 'keepTables'>>;
  /** Source of the plain tokens. Default: the operating system's. */
  readonly random?: RandomSource | undefined;
  /** Stops within a batch; finished shards stay and are taken over by the next attempt. */
  readonly signal?: AbortSignal | undefined;
  /** Called after every batch, and for shards that are there already. */
  readonly onProgress?: ((progress: { rows: number; rowsTotal: number }) => void) | undefined;
  /** Called with the number of the user's tokens for which a noisy version was drawn just now. */
  readonly onDrawn?: ((tokens: number) => void) | undefined;
  readonly rowsPerShard?: number | undefined;
  /** Rows that were released before, which are taken over as they were. With it, what later releases need to take over
   *  these is kept. */
  readonly earlier?: EarlierRows | undefined;
}
