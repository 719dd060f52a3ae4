import { atBoundary } from '../boundary.ts';
import { assertOwnRequest } from '../request-origin.ts';
import type { GpuActivities } from '../../contracts/index.ts';
import { assembleAdapter } from './assemble-adapter.ts';
import { predict } from './predict.ts';
import { assertRun } from './references.ts';
import { train, type GpuDependencies } from './train.ts';

export { createModelHost, MODEL_PROCESS_FILE, type ModelHost } from './model/index.ts';
export { Scratch } from './scratch.ts';
export type { GpuDependencies } from './train.ts';

/** The activities of the provider's side. They see privatized ids, plain tokens and references; never a text. */
export function createGpuActivities(dependencies: GpuDependencies): GpuActivities {
  /** Refuses a request that its own run did not make. */
  const checked =
    <R extends { readonly tenant: string; readonly run: string }, T>(
      activity: (dependencies: GpuDependencies, request: R) => Promise<T>,
    ) =>
    async (request: R): Promise<T> => {
      assertOwnRequest(request, 'gpu');
      assertRun(request);
      return activity(dependencies, request);
    };
  return atBoundary<GpuActivities>('gpu', {
    train: checked(train),
    assembleAdapter: checked(assembleAdapter),
    predict: checked(predict),
  });
}
