/** What attacks achieve on a release, as numbers. They are shares over all texts that were attacked; no number is a
 *  single text's own. They are for the owner, and released.ts says which of them leave. */
import { z } from 'zod';

/** The attacks, in the order in which they are run. */
export const ATTACKS = ['inversion', 'bayes', 'learned', 'context', 'masked', 'attributes', 'deniability'] as const;
/** The name of an attack. */
export type Attack = (typeof ATTACKS)[number];

/** A share with its 95 % interval. */
export const rateSchema = z.strictObject({ value: z.number(), low: z.number(), high: z.number() });
/** A share with its 95 % interval. */
export type Rate = z.output<typeof rateSchema>;
const quantiles = z.strictObject({ p05: z.number(), p50: z.number(), p95: z.number() });

export const attackResultSchema = z.strictObject({
  /** The name that gates use: "inversion", "inversionTop10", "bayes", "bayesTop10", "learned", "context", "masked". */
  attack: z.string(),
  /** The share of the tokens that were guessed right. */
  success: rateSchema,
  /** What the same adversary gets without the release: they always guess the likeliest token, or the ten likeliest, of
   *  a prior that has not seen it (public text, else Zipf's law over the vocabulary). In results without
   *  `mostFrequent`, this field holds what `mostFrequent` holds today. */
  priorOnly: rateSchema,
  /** What they get by always guessing the most frequent token, or the ten most frequent, as far as the release itself
   *  tells. Absent in results of earlier versions. */
  mostFrequent: rateSchema.optional(),
  /** How many tokens were attacked. */
  n: z.int(),
});
/** What one attack got, and what its adversary gets without the release. */
export type AttackResult = z.output<typeof attackResultSchema>;

/** What guessing blindly gets. */
export interface Baselines<T> {
  /** Null in results of earlier versions, which did not look. */
  readonly withoutRelease: T | null;
  readonly mostFrequent: T;
}

/** What guessing blindly gets. Knows results of earlier versions too, whose `priorOnly` came from the release. */
export function baselinesOf<T>(got: { readonly priorOnly: T; readonly mostFrequent?: T | undefined }): Baselines<T> {
  const { priorOnly, mostFrequent } = got;
  if (mostFrequent === undefined) return { withoutRelease: null, mostFrequent: priorOnly };
  return { withoutRelease: priorOnly, mostFrequent };
}

export const attributeResultSchema = z.strictObject({
  attribute: z.string(),
  values: z.int(),
  /** The share of the texts whose attribute was guessed right. */
  success: rateSchema,
  /** The same without any text: they always answer the most frequent of the values that they have learned from. */
  priorOnly: rateSchema,
  /** The same by their classifier on the plain texts. */
  onPlainText: rateSchema,
  /** How many texts were attacked. */
  n: z.int(),
});
export type AttributeResult = z.output<typeof attributeResultSchema>;

/** Plausible deniability of the public output vocabulary. It depends on table, mechanism and eta, and holds nothing of
 *  the texts. Results of earlier versions have that of the attacked texts' tokens instead. */
export const deniabilitySchema = z.strictObject({
  /** How many tokens were looked at. They are spread evenly over the vocabulary. */
  types: z.int(),
  draws: z.int(),
  /** N_w: the chance that a token type stays itself. */
  staysItself: quantiles,
  /** S_w: the number of different outputs that is expected in so many draws. */
  differentOutputs: quantiles,
});
export type Deniability = z.output<typeof deniabilitySchema>;

/** What a mechanism at some eta keeps of a text, and what the Bayesian adversary gets of it. */
export interface FrontierPoint {
  readonly mechanism: 'exponential' | 'laplace';
  readonly eta: number;
  /** The expected share of output tokens, all counted alike, that stay themselves. */
  readonly unchanged: number;
  /** The share of tokens drawn from the prior that stayed themselves. */
  readonly unchangedInText: number;
  /** The share of them that the Bayesian adversary, who knows mechanism and prior, guesses right; and the share
   *  that is among their ten likeliest tokens. */
  readonly bayes: number;
  readonly bayesTop10: number;
  /** What they get without the release, by always guessing the most frequent token of that prior. */
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

/** What attacks got, as it is shown: all of it on the owner's machine, elsewhere what left, where null means "not
 *  told". */
export interface ShownAudit extends Pick<AuditResult, 'texts' | 'tokens' | 'deniability'> {
  readonly attacks: readonly ShownAttack[];
  /** Absent when they are not told. */
  readonly attributes?: readonly AttributeResult[];
}
export interface ShownAttack extends Pick<AttackResult, 'attack' | 'n'> {
  readonly success: Rate | null;
  readonly priorOnly: Rate | null;
  readonly mostFrequent?: Rate | null | undefined;
}
