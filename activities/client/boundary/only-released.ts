/** The last look at what an activity of the client gives back: all of it goes to the provider. */
import { onlyReleased, type ClientActivities, type Released } from '../../../contracts/index.ts';

/** The same activities, whose results are held against what may leave.
 *  @throws RaptError in place of a result that holds more. */
export function onlyReleasedResults(activities: ClientActivities): ClientActivities {
  const held: [string, unknown][] = Object.entries(activities).map(
    ([name, activity]: [string, unknown]): [string, unknown] => {
      if (typeof activity !== 'function') throw new TypeError(`activity ${name} is no function`);
      const call = async (...args: unknown[]): Promise<unknown> =>
        onlyReleased(name as Released, (await Reflect.apply(activity, activities, args)) as unknown);
      return [name, call];
    },
  );
  // Each function keeps its name, its parameters and its result.
  return Object.fromEntries(held) as unknown as ClientActivities;
}
