/** What the owner allows, and whether a request keeps to it. */
export { approve, changedSince, tablesNow, wordFor, type NamedRequest, type Terms, type Word } from './approval.ts';
export { foundProblems, placeOf, predictionAllowed, tuningAllowed, withTables, type Allowed, type FoundOut } from './check.ts';
export { newPolicyText, ruleFor, withAnswers, withRule, type NewRule } from './edit.ts';
export { defaultPolicy, parsePolicy, policyFile, readPolicy, rulesOf, type Policy, type TableRule } from './policy.ts';
