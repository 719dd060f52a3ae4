/** The account of what left: every release of every text, and budgets. */
export {
  limitsOf,
  ownersBudget,
  policysBudget,
  readBudget,
  runsBudget,
  tenantSpent,
  writeBudget,
  type Limit,
  type Limits,
  type SetBudget,
} from './budget.ts';
export { Families } from './families.ts';
export {
  labelsAgainNote,
  labelsIn,
  Ledger,
  releasedAlready,
  type DrawnTexts,
  type LedgerRelease,
  type ReservationRequest,
  type TellRequest,
  type TextRelease,
  type ToldFigure,
} from './ledger.ts';
export { clientSecret, knownSecret } from './secret.ts';
export { countTexts, digestOfText, TextCollector, type TextCounts, type TextDigests } from './texts.ts';
