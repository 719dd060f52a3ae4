/** The durable release: each text privatized once, in Parquet shards on the client's disk. */
export { alignRelease, type AlignedText, type AlignOptions } from './align.ts';
export { type DrawnRelease } from './draw.ts';
export {
  canTakeOver,
  chooseReleases,
  chosenReleases,
  EarlierRows,
  hasOtherClasses,
  type EarlierRelease,
} from './earlier-rows.ts';
export { assertUnchanged, hashInput, hashInputs, type InputFile, type ReleaseInputs } from './inputs.ts';
export { readLocalLabels, type LocalLabels } from './labels.ts';
export { textLengths } from './lengths.ts';
export { drawPrediction, predictionSpec, type PredictionReleaseOptions } from './prediction-release.ts';
export { joinIds, type Ragged } from './ragged.ts';
export { drawRows } from './rows.ts';
export { readShard, type ShardRows } from './shard.ts';
export { fileKey, ReleaseSpec, type DrawnBy } from './spec.ts';
export { openRelease, type StoredRelease } from './stored-release.ts';
export { drawRelease, rowsToDraw, tuningSpec, type DrawReleaseOptions } from './tuning-release.ts';
export { keptTokens, type KeptTokens } from './truncate.ts';
export { outputProblem, privatizeTable, type PrivatizedTable, type PrivatizeTableOptions } from './privatized-table.ts';
