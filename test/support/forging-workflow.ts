/** What the provider can have run in place of Rapt's workflows: any activity, on any queue, with whatever request. */
import { proxyActivities } from '@temporalio/workflow';

export interface Forged {
  readonly activity: string;
  readonly taskQueue: string;
  readonly request: unknown;
}

export async function forged({ activity, taskQueue, request }: Forged): Promise<unknown> {
  const activities = proxyActivities<Record<string, (request: unknown) => Promise<unknown>>>({
    taskQueue,
    startToCloseTimeout: '5 minutes',
    retry: { maximumAttempts: 1 },
  });
  return activities[activity]!(request);
}
