import { z } from 'zod';

const quantiles = z.strictObject({ p05: z.number(), p50: z.number(), p95: z.number() });

/** The privacy guarantee as data. Every statement that a user sees is made from this. */
export const guaranteeSchema = z.strictObject({
  mechanism: z.enum(['exponential', 'laplace', 'none']),
  /** False for `none` and for anything drawn from a seeded source. */
  private: z.boolean(),
  /** d_chi-privacy parameter, in 1 / embedding distance; null for `none`. */
  eta: z.number().nullable(),
  /** What finite precision adds: log P(y|x) - log P(y|x') <= eta * ||phi(x) - phi(x')||_2 + slack, for one token. */
  numericalSlack: z.number().nullable(),
  /** The chance, for each token, that finite precision made the answer another one than the mechanism's. Null when it
   *  was not bounded. */
  numericalDelta: z.number().nullable().default(null),
  /** What the mechanism really gives: the least eta for which the bound holds on this table, over all pairs of tokens.
   *  Null when it was not computed. */
  tightestEta: z.number().nullable().default(null),
  /** The public embedding table phi that gives eta its meaning. */
  table: z.strictObject({
    sha256: z.string(),
    rows: z.int(),
    dimensions: z.int(),
    /** The number of public output tokens. */
    outputTokens: z.int(),
    /** Row norms, and distances from an output token to the nearest other one. */
    norm: quantiles,
    neighbourDistance: quantiles,
  }),
  /** The bound on the log-ratio between two near words: eta * distance, at the quantiles of the neighbour distance. */
  neighbourLogRatio: quantiles.nullable(),
  /** The epsilon of the randomized response on each training label; absent when labels left as they are. */
  labelEpsilon: z.number().optional(),
  /** The expected share of output tokens that stay themselves. */
  expectedUnchanged: z.number().nullable(),
  statement: z.string(),
  covered: z.array(z.string()),
  notCovered: z.array(z.string()),
});
/** The privacy guarantee as data. `statement` says it in a sentence; `covered` and `notCovered` say what it is
 *  about. */
export type Guarantee = z.output<typeof guaranteeSchema>;

/** How many tokens a text has: the 5 %, 50 % and 95 % quantile over the texts of a release. */
export type TextLengths = z.output<typeof quantiles>;
