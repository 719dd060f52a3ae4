import { Context } from '@temporalio/activity';
import {
  FAILURE_FIELD,
  type ClientActivities,
  type OwnRelease,
  type RunContext,
  type Seals,
} from '../../contracts/index.ts';
import { limitsFor, releasedRelease, type TellLabels } from '../../rapt/client/index.ts';
import { releaseFolder, tenantFolder } from '../../rapt/home.ts';
import { Ledger } from '../../rapt/ledger/index.ts';
import { atBoundary } from '../boundary.ts';
import { admitNotice, admitPrediction, admitRun, type AdmittedRun, type Guarded } from './admission/guard.ts';
import { auditRelease } from './audit.ts';
import { onlyReleasedResults } from './boundary/only-released.ts';
import { openRequest } from './boundary/open-request.ts';
import { assertOwnRequest, type Requests } from './boundary/request-owner.ts';
import { sealResult } from './boundary/seal-result.ts';
import type { ClientDependencies } from './dependencies.ts';
import { inspect } from './inspect.ts';
import { notify, wantNotices } from './notify.ts';
import { finishPrediction, preparePrediction } from './predict.ts';
import { privatize } from './privatize.ts';
import { publishRelease } from './publish.ts';
import { ownRelease } from './records/own-release.ts';
import { writeStartedRecord } from './records/run-record.ts';
import { ownCard, register } from './register.ts';
import { report } from './report.ts';
import { score } from './score.ts';

export { adoptTenant } from './admission/one-home.ts';
export type { ClientDependencies } from './dependencies.ts';
export { importAdapter } from './import.ts';
export { findRelease, gradedRows, type GradedRow } from './records/graded-rows.ts';
export {
  readRunRecord,
  readTunedAdapter,
  runRecords,
  type RunRecord,
  type TunedAdapter,
} from './records/run-record.ts';

/** The activities of the data owner's side, the only ones that see a text. Each request is held against what the owner
 *  allows before anything is done for it (admission/guard.ts). */
export function createClientActivities(dependencies: ClientDependencies & Guarded): ClientActivities {
  const { home, seals = null } = dependencies;
  /** A request on a release that was drawn for the run, and the release as this client knows it. @param told what the
   *  request says of it. */
  const onOwnRelease = async (
    request: RunContext,
    told: Parameters<typeof ownRelease>[2],
  ): Promise<{ admitted: AdmittedRun; release: OwnRelease }> => {
    const admitted = await admitRun(dependencies, request);
    return { admitted, release: await ownRelease(home, admitted, told, () => privatize(dependencies, admitted)) };
  };
  const activities: ClientActivities = {
    inspect: async (request) => {
      const admitted = await admitRun(dependencies, request);
      await wantNotices(dependencies);
      // Reading changes nothing, so a worker that is told to stop does not wait until millions of rows are read.
      const found = await Promise.race([inspect(dependencies, admitted), Context.current().cancelled]);
      await writeStartedRecord(home, admitted);
      return found;
    },
    privatize: async (request) => {
      const admitted = await admitRun(dependencies, request);
      const drawn = await privatize(dependencies, admitted);
      return releasedRelease(releaseFolder(home, admitted.config.tenant, drawn.localKey), drawn);
    },
    publish: async (request) => {
      const { admitted, release } = await onOwnRelease(request, request.release);
      return publishRelease(dependencies, admitted.config.tenant, release.localKey, release.digest, {
        verify: request.verify === true,
      });
    },
    audit: async (request) => {
      const { admitted, release } = await onOwnRelease(request, request.release);
      return auditRelease(dependencies, { ...request, ...admitted, release });
    },
    score: async (request) => {
      const { admitted, release } = await onOwnRelease(request, request.release);
      return score(dependencies, { ...request, ...admitted, release }, oneFigure(home, admitted));
    },
    report: async (request) => {
      // The report names the release by the name of its folder alone.
      const { admitted, release } = await onOwnRelease(request, { localKey: request.localKey });
      return report(dependencies, { ...request, ...admitted, localKey: release.localKey });
    },
    register: async (request) => {
      const { admitted, release } = await onOwnRelease(request, { digest: request.release.digest });
      const card = await ownCard(dependencies, admitted, release.localKey, request.adapter);
      // Run and release are named by this client itself, and not by what came back.
      const result = {
        ...request.result,
        workflowId: admitted.run,
        release: { ...request.result.release, sha256: release.digest },
      };
      return register(dependencies, { ...request, ...admitted, result }, card);
    },
    notify: (notice) => notify(dependencies, admitNotice(notice)),
    preparePrediction: async (request) => preparePrediction(dependencies, admitPrediction(dependencies, request)),
    finishPrediction: (request) => finishPrediction(dependencies, request),
  };
  return atBoundary('client', received(onlyReleasedResults(activities), seals), sealMessage(seals));
}

/** The same activities as others ask for them: requests are of their own run and tenant alone, and what only the owner
 *  needs is sealed on both ways. */
function received(activities: ClientActivities, seals: Seals | null): ClientActivities {
  const one =
    <N extends keyof Requests>(name: N) =>
    async (request: Requests[N]): Promise<unknown> => {
      assertOwnRequest(name, request);
      const run = currentRun();
      const result = await (activities[name] as (request: Requests[N]) => Promise<unknown>)(
        openRequest(request, { seals, run }),
      );
      return sealResult(name, result, seals, run);
    };
  return Object.fromEntries(
    Object.keys(activities).map((name) => [name, one(name as keyof Requests)]),
  ) as unknown as ClientActivities;
}

/** Messages name files and columns. */
const sealMessage =
  (seals: Seals | null) =>
  (message: string): string =>
    seals?.seal(message, { field: FAILURE_FIELD, run: currentRun() }) ?? message;

/** A request that no workflow sends was refused before. */
const currentRun = (): string => Context.current().info.workflowExecution?.workflowId ?? '';

/** Of protected labels one noisy figure is told, at the epsilon that protects them, whichever run asks; it counts
 *  against the label budgets besides. The provider makes the answers: with a figure for each run it would read the
 *  labels (test/adversary/results.test.ts). */
function oneFigure(home: string, { config, admission }: AdmittedRun): TellLabels {
  const folder = tenantFolder(home, config.tenant);
  const limits = limitsFor(folder, { budget: config.privacy.budget, policyBudget: admission.budget });
  return ({ localKey, run, epsilon }) =>
    new Ledger(folder).tellLabels({ localKey, run, epsilon, limits, figures: epsilon });
}
