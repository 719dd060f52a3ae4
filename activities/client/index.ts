import { Context } from '@temporalio/activity';
import { FAILURE_FIELD, type ClientActivities, type Seals } from '../../contracts/index.ts';
import { atBoundary } from '../boundary.ts';
import type { ClientDependencies } from './dependencies.ts';
import { auditRelease } from './audit.ts';
import { inspect } from './inspect.ts';
import { notify, wantNotices } from './notify.ts';
import { openRequest } from './open-request.ts';
import { assertOwnRequest, type Requests } from './own-request.ts';
import { finishPrediction, preparePrediction } from './prediction.ts';
import { privatize } from './privatize.ts';
import { publishRelease } from './publish.ts';
import { register } from './register.ts';
import { report } from './report.ts';
import { writeStartedRecord } from './run-record.ts';
import { score } from './score.ts';
import { sealResult } from './seal-result.ts';

export { findRelease, gradedRows, type GradedRow } from './graded.ts';
export type { ClientDependencies } from './dependencies.ts';
export { importAdapter } from './import.ts';
export { adoptTenant } from './one-home.ts';
export { readRunRecord, readTunedAdapter, runRecords, type RunRecord, type TunedAdapter } from './run-record.ts';

/** The activities of the data owner's side, the only ones that see a text. */
export function createClientActivities(dependencies: ClientDependencies): ClientActivities {
  const { seals = null } = dependencies;
  const activities: ClientActivities = {
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
  };
  return atBoundary('client', received(activities, seals), sealMessage(seals));
}

/** The same activities as others ask for them: requests are of their own run and tenant alone, and what only the owner needs is sealed on both ways. */
function received(activities: ClientActivities, seals: Seals | null): ClientActivities {
  const one = <N extends keyof Requests>(name: N) => async (request: Requests[N]): Promise<unknown> => {
    assertOwnRequest(name, request);
    const run = currentRun();
    const result = await (activities[name] as (request: Requests[N]) => Promise<unknown>)(openRequest(request, { seals, run }));
    return sealResult(name, result, seals, run);
  };
  return Object.fromEntries(Object.keys(activities).map((name) => [name, one(name as keyof Requests)])) as unknown as ClientActivities;
}

/** Messages name files and columns. */
const sealMessage = (seals: Seals | null) => (message: string): string => seals?.seal(message, { field: FAILURE_FIELD, run: currentRun() }) ?? message;

/** What no workflow asks for is refused before. */
const currentRun = (): string => Context.current().info.workflowExecution?.workflowId ?? '';
