/** What the training of a run will cost: steps and time. */
import { totalEpochs, type TuningConfig } from '../../contracts/index.ts';

/** Tokens trained on per second, forward and backward: the default run of the README, 625 steps in 4.2 minutes on 2
 *  cores. */
const DOCUMENTED_TOKENS_PER_SECOND = 2800;
/** The time of a shorter training is mostly that of loading the model. */
const LEAST_SECONDS = 20;
/** Special tokens that frame a sequence. */
const SPECIAL_TOKENS = 2;

export interface TrainingRate {
  readonly tokensPerSecond: number;
  /** The run that it was measured in; null for the documented one. */
  readonly measuredIn: string | null;
}

/** The rate of this client's newest long enough training on the same backbone, else the documented one. */
export async function trainingRate(home: string, tenant: string, backbone: string): Promise<TrainingRate> {
  const { findRelease, runRecords } = await import('../../activities/client/index.ts');
  const { openRelease } = await import('../../rapt/release/index.ts');
  for (const { config, result } of runRecords(home, tenant)) {
    const seconds = result.timing['train'] ?? 0;
    if (config.backbone !== backbone || result.resumed !== null || seconds < LEAST_SECONDS) continue;
    const folder = await findRelease(home, tenant, result.release.sha256);
    const release = folder === null ? null : await openRelease(folder);
    if (release === null) continue;
    const { rows, tokens } = release.manifest;
    return {
      tokensPerSecond: trainedTokens(config, rows.train, tokens / (rows.train + rows.test)) / seconds,
      measuredIn: result.workflowId,
    };
  }
  return { tokensPerSecond: DOCUMENTED_TOKENS_PER_SECOND, measuredIn: null };
}

export interface TrainingCost {
  readonly steps: number;
  readonly minutes: number;
}

/** @param tokensPerRow mean of the user's own tokens, after the cut. */
export function trainingCost(
  config: TuningConfig,
  trainRows: number,
  tokensPerRow: number,
  { tokensPerSecond }: TrainingRate,
): TrainingCost {
  return {
    steps: Math.ceil(trainRows / config.tuning.batchSize) * totalEpochs(config.tuning),
    minutes: trainedTokens(config, trainRows, tokensPerRow) / tokensPerSecond / 60,
  };
}

function trainedTokens({ tuning }: TuningConfig, trainRows: number, tokensPerRow: number): number {
  const plainTokens = tuning.reconstruction === false ? 0 : tuning.reconstruction.plainTokens;
  return trainRows * totalEpochs(tuning) * (tokensPerRow + plainTokens + SPECIAL_TOKENS);
}
