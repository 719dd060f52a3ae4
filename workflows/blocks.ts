/** How a training run is cut into activities. */

/** Each block takes a few events of history and one start of the training process. With this many blocks a long run of
 *  tiny epochs stays far below Temporal's limit of 51,200 events. */
const MOST_BLOCKS = 200;

export interface TrainedSoFar {
  readonly step: number;
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
}

/** The step that ends the next block: the end of an epoch, or of the training. A resumed run may start inside an epoch;
 *  its blocks end at the same steps. */
export function nextBoundary({ step, stepsPerEpoch, totalSteps }: TrainedSoFar): number {
  const epochs = Math.ceil(totalSteps / stepsPerEpoch);
  const blockSteps = stepsPerEpoch * Math.ceil(epochs / MOST_BLOCKS);
  return Math.min(totalSteps, (Math.floor(step / blockSteps) + 1) * blockSteps);
}
