/** The learning rate over a training of several phases: the epochs of the configuration, then those of each
 *  extension. */
import { totalEpochs, type TuningOptions } from '../../contracts/index.ts';

type Epochs = Pick<TuningOptions, 'epochs' | 'extensions'>;

/** Optimizer steps of all phases. */
export const totalSteps = (options: Epochs, stepsPerEpoch: number): number => totalEpochs(options) * stepsPerEpoch;

/** Factor on the learning rate at a step counted from 0: in each phase a linear rise over the warm-up, then a linear
 *  fall to 0 after its last step. No phase depends on a later one, so an extension changes nothing of what was
 *  trained before it. */
export function scheduleFactor(
  step: number,
  stepsPerEpoch: number,
  { epochs, extensions, warmup }: Epochs & Pick<TuningOptions, 'warmup'>,
): number {
  let start = 0;
  for (const phase of [epochs, ...extensions]) {
    const steps = phase * stepsPerEpoch;
    if (step < start + steps) return phaseFactor(step - start, steps, warmup);
    start += steps;
  }
  return 0;
}

function phaseFactor(step: number, steps: number, warmup: number): number {
  const warmupSteps = Math.ceil(warmup * steps);
  if (step < warmupSteps) return (step + 1) / warmupSteps;
  return (steps - step) / (steps - warmupSteps);
}
