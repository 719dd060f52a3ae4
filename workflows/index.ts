/** The workflows by their Temporal type names. This module is bundled: it may import nothing but workflow code and
 *  contracts. */
export { raptNotify } from './notify.ts';
export { raptPredict } from './predict.ts';
export { raptTuning } from './tuning.ts';
