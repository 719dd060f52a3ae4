/** All of Rapt in one process, for those who have the texts and the model on one machine. */
export { openPredictor, type Answer, type Predictor, type PredictorOptions } from './predict.ts';
export { tune, type Tuned, type TuneOptions } from './tune.ts';
