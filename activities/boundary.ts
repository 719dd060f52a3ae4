import { Context, log } from '@temporalio/activity';
import { kindOf, metrics } from '../telemetry/index.ts';
import { sealedFailure, toFailure } from './failures.ts';
import { withHeartbeats } from './heartbeat.ts';

/** The same activities as Temporal calls them: with heartbeats while they run, and every failure in the form that
 *  Temporal understands.
 *  @param side whose machine it is, for messages. @param seal makes of a message what others may get of it. */
export function atBoundary<T extends object>(
  side: 'client' | 'gpu',
  activities: T,
  seal: (message: string) => string = (message) => message,
): T {
  const wrapped = Object.entries(activities).map(([name, activity]: [string, unknown]) => {
    if (typeof activity !== 'function') throw new TypeError(`activity ${name} is no function`);
    const call = async (...args: unknown[]): Promise<unknown> => {
      const { info } = Context.current();
      const start = Date.now();
      metrics.queueWait.record(Math.max(0, start - info.currentAttemptScheduledTimestampMs) / 1000, {
        activity_type: name,
        task_queue: info.taskQueue,
      });
      try {
        // Called as a member, since an activity may be a method.
        const result = await withHeartbeats(() => Reflect.apply(activity, activities, args) as Promise<unknown>);
        log.info('activity done', { durationMs: Date.now() - start });
        return result;
      } catch (error) {
        const failure = await toFailure(error, side, Context.current());
        metrics.activityFailures.add(1, { activity_type: name, task_queue: info.taskQueue, kind: kindOf(failure) });
        throw sealedFailure(failure, seal);
      }
    };
    return [name, call];
  });
  // Each function keeps its name, its parameters and its result.
  return Object.fromEntries(wrapped) as T;
}
