/** What attacks achieve on a release, as numbers: aggregates over many texts, none of a text's own. */
import { z } from 'zod';

/** The attacks, in the order in which they are run. */
export const ATTACKS = ['inversion', 'bayes', 'learned', 'context', 'masked', 'attributes', 'deniability'] as const;
/** Name of an attack. */
export type Attack = (typeof ATTACKS)[number];

/** A share with its 95 % interval. */
export const rateSchema = z.strictObject({ value: z.number(), low: z.number(), high: z.number() });
/** A share with its 95 % interval. */
export type Rate = z.output<typeof rateSchema>;
const quantiles = z.strictObject({ p05: z.number(), p50: z.number(), p95: z.number() });

export const attackResultSchema = z.strictObject({
  /** Name that a gate uses: "inversion", "inversionTop10", "bayes", "bayesTop10", "learned", "context", "masked". */
  attack: z.string(),
  /** Share of the tokens that were guessed right. */
  success: rateSchema,
  /** The same adversary who has not seen the release. */
  priorOnly: rateSchema,
  /** Tokens attacked. */
  n: z.int(),
});
/** What one attack got, beside what its adversary gets without the release. */
export type AttackResult = z.output<typeof attackResultSchema>;

export const attributeResultSchema = z.strictObject({
  attribute: z.string(),
  values: z.int(),
  /** Share of the texts whose attribute was guessed right; by always answering the most frequent value; from the plain text. */
  success: rateSchema,
  priorOnly: rateSchema,
  onPlainText: rateSchema,
  /** Texts attacked. */
  n: z.int(),
});
export type AttributeResult = z.output<typeof attributeResultSchema>;

/** Of the public output vocabulary: a function of table, mechanism and eta, in which there is nothing of the texts.
 *  Results of earlier versions have the types of the attacked texts instead. */
export const deniabilitySchema = z.strictObject({
  /** Tokens that were looked at, spread evenly over the vocabulary. */
  types: z.int(),
  draws: z.int(),
  /** N_w: chance that a token type stays itself. */
  staysItself: quantiles,
  /** S_w: different outputs expected in so many draws. */
  differentOutputs: quantiles,
});
export type Deniability = z.output<typeof deniabilitySchema>;

/** What a mechanism at some eta keeps of a text, and what the Bayesian adversary gets of it. */
export interface FrontierPoint {
  readonly mechanism: 'exponential' | 'laplace';
  readonly eta: number;
  /** Expected share of output tokens, all counted alike, that stay themselves. */
  readonly unchanged: number;
  /** Share of tokens drawn from the prior that stayed themselves. */
  readonly unchangedInText: number;
  /** Shares of them that the Bayesian adversary, who knows mechanism and prior, guesses right, and has among his ten likeliest. */
  readonly bayes: number;
  readonly bayesTop10: number;
  /** What he gets without the release: the most frequent token. */
  readonly priorOnly: number;
}

export const auditSchema = z.strictObject({
  texts: z.int(),
  tokens: z.int(),
  attacks: z.array(attackResultSchema),
  attributes: z.array(attributeResultSchema),
  deniability: deniabilitySchema.nullable(),
});
/** What all attacks got. */
export type AuditResult = z.output<typeof auditSchema>;
