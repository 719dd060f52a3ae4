/** What attacks achieve on a release, as numbers: shares over the texts that were attacked, none of a text's own. They
 *  are for the owner; what leaves of them is in released.ts. */
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
  /** The same adversary without the release: the likeliest tokens, one or ten, of a prior that has not seen it (public
   *  text, else Zipf's law over the vocabulary). In results without `mostFrequent` it is what stands there today. */
  priorOnly: rateSchema,
  /** By always guessing the tokens, one or ten, that are the most frequent as far as the release itself tells. Absent
   *  in results of earlier versions. */
  mostFrequent: rateSchema.optional(),
  /** Tokens attacked. */
  n: z.int(),
});
/** What one attack got, beside what its adversary gets without the release. */
export type AttackResult = z.output<typeof attackResultSchema>;

/** What guessing blindly gets. */
export interface Baselines<T> {
  /** Null in results of earlier versions, which did not look. */
  readonly withoutRelease: T | null;
  readonly mostFrequent: T;
}

/** Of results of earlier versions, too, whose `priorOnly` came from the release. */
export function baselinesOf<T>(got: { readonly priorOnly: T; readonly mostFrequent?: T | undefined }): Baselines<T> {
  const { priorOnly, mostFrequent } = got;
  if (mostFrequent === undefined) return { withoutRelease: null, mostFrequent: priorOnly };
  return { withoutRelease: priorOnly, mostFrequent };
}

export const attributeResultSchema = z.strictObject({
  attribute: z.string(),
  values: z.int(),
  /** Share of the texts whose attribute was guessed right. */
  success: rateSchema,
  /** By always answering the most frequent of the values that the adversary was given to learn from, without any text.
   *  */
  priorOnly: rateSchema,
  /** By the same classifier on the plain texts. */
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
  /** Shares of them that the Bayesian adversary, who knows mechanism and prior, guesses right, and has among his ten
   *  likeliest. */
  readonly bayes: number;
  readonly bayesTop10: number;
  /** What he gets without the release: the most frequent token of that prior. */
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

/** What attacks got as whoever looks at a run has it: on the owner's machine all, elsewhere what left, where null means
 *  "not told". */
export interface ShownAudit extends Pick<AuditResult, 'texts' | 'tokens' | 'deniability'> {
  readonly attacks: readonly ShownAttack[];
  /** Absent where they are not told. */
  readonly attributes?: readonly AttributeResult[];
}
export interface ShownAttack extends Pick<AttackResult, 'attack' | 'n'> {
  readonly success: Rate | null;
  readonly priorOnly: Rate | null;
  readonly mostFrequent?: Rate | null | undefined;
}
