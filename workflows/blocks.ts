/** How a training run is cut into activities. */

/** Each block is a few events of history and one start of the training process; this many keep a long run of tiny
 *  epochs far below Temporal's limit of 51,200 events. */
const MOST_BLOCKS = 200;

export interface TrainedSoFar {
  readonly step: number;
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
}

/** The step that ends the next block: an epoch boundary, or the end. A resumed run starts inside an epoch and meets the
 *  same ones. */
export function nextBoundary({ step, stepsPerEpoch, totalSteps }: TrainedSoFar): number {
  const epochs = Math.ceil(totalSteps / stepsPerEpoch);
  const blockSteps = stepsPerEpoch * Math.ceil(epochs / MOST_BLOCKS);
  return Math.min(totalSteps, (Math.floor(step / blockSteps) + 1) * blockSteps);
}
