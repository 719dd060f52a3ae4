/** What the owner allows, and whether a request keeps to it. */
export { approve, changedSince, tablesNow, wordFor, type NamedRequest, type Terms, type Word } from './approval.ts';
export {
  foundProblems,
  placeOf,
  predictionAllowed,
  tuningAllowed,
  withTables,
  type Allowed,
  type FoundOut,
} from './check.ts';
export { changePolicy, withAnswers, withRule } from './edit.ts';
export { newPolicyText } from './new-policy.ts';
export {
  fieldProblem,
  parsePolicy,
  policyFile,
  policyText,
  readPolicy,
  ruleOfPlace,
  unknownName,
  type Policy,
  type TableRule,
} from './policy.ts';
export { labelsInWords, ruleFor, type NewRule } from './wider-rule.ts';
