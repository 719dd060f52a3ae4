/** How good a classifier is, and whether that is good enough. */
export { checkGates } from './gates.ts';
export { classScores, evaluate, wilsonInterval, type ClassScore, type Evaluation, type Interval } from './metrics.ts';
