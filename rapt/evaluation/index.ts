/** How good a classifier is, and whether that is good enough. */
export { pairedDifference, unpairedDifference, type Difference } from './difference.ts';
export { checkGates, gateValues, type GateBaseline, type GateValues } from './gates.ts';
export { classScores, evaluate, wilsonInterval, type ClassScore, type Evaluation, type Interval } from './metrics.ts';
export { LEAST, toldRate, toldShare, tooFewRows, tooFewTexts } from './rounding.ts';
