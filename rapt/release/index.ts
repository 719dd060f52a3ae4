/** The durable release: each text privatized once, in Parquet shards on the client's disk. */
export { alignRelease, type AlignedText, type AlignOptions } from './align.ts';
export { openRelease, type DrawnRelease } from './draw.ts';
export {
  canTakeOver,
  chooseReleases,
  chosenReleases,
  EarlierRows,
  hasOtherClasses,
  type EarlierRelease,
  type VersionSpec,
} from './earlier.ts';
export {
  assertUnchanged,
  fileKey,
  hashInput,
  hashInputs,
  releaseKey,
  type InputFile,
  type ReleaseInputs,
} from './key.ts';
export { readLocalLabels, type LocalLabels } from './labels.ts';
export { textLengths } from './lengths.ts';
export { drawPrediction, predictionKey, type PredictionReleaseOptions } from './prediction.ts';
export { drawRows } from './rows.ts';
export { joinIds, readShard, type Ragged, type ShardRows } from './shard.ts';
export { drawRelease, rowsToDraw, versionSpec, type DrawReleaseOptions } from './tuning.ts';
export { keptTokens, type KeptTokens } from './truncate.ts';
export { outputProblem, privatizeTable, type PrivatizedTable, type PrivatizeTableOptions } from './table.ts';
