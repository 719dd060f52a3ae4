import { atBoundary } from '../boundary.ts';
import type { GpuActivities } from '../../contracts/index.ts';
import { assembleAdapter } from './assemble-adapter.ts';
import { predict } from './predict.ts';
import { train, type GpuDependencies } from './train.ts';

export { createModelHost, type ModelHost } from './model-host.ts';
export { Scratch } from './scratch.ts';
export type { GpuDependencies } from './train.ts';

/** The activities of the provider's side. They see privatized ids, plain tokens and references; never a text. */
export function createGpuActivities(dependencies: GpuDependencies): GpuActivities {
  return atBoundary<GpuActivities>('gpu', {
    train: (request) => train(dependencies, request),
    assembleAdapter: (request) => assembleAdapter(dependencies, request),
    predict: (request) => predict(dependencies, request),
  });
}
