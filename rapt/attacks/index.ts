/** What an adversary can still learn from a release: attacks at full strength, beside what prior knowledge alone would
 *  give them. */
export { audit, type AuditOptions } from './audit.ts';
export { attackAttribute } from './attributes.ts';
export { Transitions } from './context.ts';
export { deniability } from './deniability.ts';
export { Frontier, frontierCurve, zipfFrontier, type FrontierOptions } from './frontier.ts';
export { bayesianGuesses, nearestGuesses, type Guesses } from './inference.ts';
export { LearnedInverter, type PlainPairs } from './learned.ts';
export { SuccessCounter } from './success.ts';
