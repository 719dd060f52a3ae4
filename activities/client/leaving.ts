/** The last look at what an activity of the client gives back: all of it goes to the provider. */
import { onlyReleased, type ClientActivities } from '../../contracts/index.ts';

/** The same activities, whose results are held against what may leave. @throws RaptError when there is more in one, in
 *  place of the result. */
export function leavingOnlyWhatMay(activities: ClientActivities): ClientActivities {
  const held = Object.entries(activities).map(([name, activity]) => {
    const call = async (request: never): Promise<unknown> =>
      onlyReleased(name as keyof ClientActivities, await activity(request));
    return [name, call];
  });
  // Each keeps its name, its parameters and its result.
  return Object.fromEntries(held) as unknown as ClientActivities;
}
