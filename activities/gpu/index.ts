import { translateFailures } from '../failures.ts';
import type { GpuActivities } from '../../contracts/index.ts';
import { assembleAdapter } from './assemble-adapter.ts';
import { predict } from './predict.ts';
import { train, type GpuDependencies } from './train.ts';

export { Scratch } from './scratch.ts';
export type { GpuDependencies } from './train.ts';

/** The activities of the provider's side. They see privatized ids, plain tokens and references; never a text. */
export function createGpuActivities(dependencies: GpuDependencies): GpuActivities {
  return translateFailures<GpuActivities>({
    train: (request) => train(dependencies, request),
    assembleAdapter: (request) => assembleAdapter(dependencies, request),
    predict: (request) => predict(dependencies, request),
  });
}
