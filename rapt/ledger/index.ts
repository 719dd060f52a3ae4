/** The account of what left: every release of every text, and budgets. */
export {
  limitsOf,
  ownersBudget,
  policysBudget,
  readBudget,
  runsBudget,
  writeBudget,
  type Limit,
  type Limits,
  type SetBudget,
} from './budget.ts';
export { tenantSpent, type Cost } from './cost.ts';
export { Families } from './families.ts';
export { labelsAgainNote, labelsIn, releasedAlready, type LedgerRelease, type ToldFigure } from './entries.ts';
export { Ledger, type DrawnTexts, type ReservationRequest, type TellRequest, type TextRelease } from './ledger.ts';
export { clientSecret, knownSecret } from './secret.ts';
export { countTexts, digestOfText, TextCollector, type TextCounts, type TextDigests } from './texts.ts';
