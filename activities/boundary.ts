import { Context } from '@temporalio/activity';
import { toFailure } from './failures.ts';
import { withHeartbeats } from './heartbeat.ts';

/** The same activities as Temporal calls them: with heartbeats while they run, and every failure in the form that Temporal understands.
 *  @param side whose machine it is, for messages. */
export function atBoundary<T extends object>(side: 'client' | 'gpu', activities: T): T {
  const wrapped = Object.entries(activities).map(([name, activity]: [string, unknown]) => {
    if (typeof activity !== 'function') throw new TypeError(`activity ${name} is no function`);
    const call = async (...args: unknown[]): Promise<unknown> => {
      try {
        // Called as a member, since an activity may be a method.
        return await withHeartbeats(() => Reflect.apply(activity, activities, args) as Promise<unknown>);
      } catch (error) {
        throw await toFailure(error, side, Context.current());
      }
    };
    return [name, call];
  });
  // Each function keeps its name, its parameters and its result.
  return Object.fromEntries(wrapped) as T;
}
