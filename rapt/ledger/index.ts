/** The account of what left: every release of every text, and budgets. */
export { limitsOf, readBudget, tenantSpent, writeBudget, type Limit, type Limits } from './budget.ts';
export { Ledger, releasedAlready, type LedgerRelease, type ReservationRequest, type TextRelease } from './ledger.ts';
export { clientSecret } from './secret.ts';
export { countTexts, digestOfText, TextCollector, type TextCounts, type TextDigests } from './texts.ts';
