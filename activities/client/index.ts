import { Context } from '@temporalio/activity';
import type { ClientActivities } from '../../contracts/index.ts';
import { atBoundary } from '../boundary.ts';
import type { ClientDependencies } from './dependencies.ts';
import { auditRelease } from './audit.ts';
import { inspect } from './inspect.ts';
import { notify, wantNotices } from './notify.ts';
import { assertOwnRequest, type Requests } from './own-request.ts';
import { finishPrediction, preparePrediction } from './prediction.ts';
import { privatize } from './privatize.ts';
import { publishRelease } from './publish.ts';
import { register } from './register.ts';
import { report } from './report.ts';
import { writeStartedRecord } from './run-record.ts';
import { score } from './score.ts';

export { findRelease, gradedRows, type GradedRow } from './graded.ts';
export type { ClientDependencies } from './dependencies.ts';
export { importAdapter } from './import.ts';
export { readRunRecord, readTunedAdapter, runRecords, type RunRecord, type TunedAdapter } from './run-record.ts';

/** The activities of the data owner's side, the only ones that see a text. */
export function createClientActivities(dependencies: ClientDependencies): ClientActivities {
  return atBoundary<ClientActivities>('client', checked({
    inspect: async (request) => {
      await wantNotices(dependencies);
      // Reading changes nothing, so a worker that is told to stop does not wait until millions of rows are read.
      const found = await Promise.race([inspect(dependencies, request), Context.current().cancelled]);
      await writeStartedRecord(dependencies.home, request);
      return found;
    },
    privatize: (request) => privatize(dependencies, request),
    publish: ({ config, release, verify }) => publishRelease(dependencies, config.tenant, release.localKey, release.digest, { verify }),
    audit: (request) => auditRelease(dependencies, request),
    score: (request) => score(dependencies, request),
    report: (request) => report(dependencies, request),
    register: (request) => register(dependencies, request),
    notify: (notice) => notify(dependencies, notice),
    preparePrediction: (request) => preparePrediction(dependencies, request),
    finishPrediction: (request) => finishPrediction(dependencies, request),
  }));
}

/** The same activities, which take requests of their own run and tenant alone. */
function checked(activities: ClientActivities): ClientActivities {
  const one = <N extends keyof Requests>(name: N) => async (request: Requests[N]): Promise<unknown> => {
    assertOwnRequest(name, request);
    return (activities[name] as (request: Requests[N]) => Promise<unknown>)(request);
  };
  return Object.fromEntries(Object.keys(activities).map((name) => [name, one(name as keyof Requests)])) as unknown as ClientActivities;
}
