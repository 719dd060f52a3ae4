import { Context, log } from '@temporalio/activity';
import { RELEASE_PROGRESS_SIGNAL, type OwnRelease, type ReleaseProgress } from '../../contracts/index.ts';
import { releaseTables } from '../../rapt/client/index.ts';
import { labelsAgainNote } from '../../rapt/ledger/index.ts';
import { inSpan } from '../../telemetry/index.ts';
import { createProgressReporter } from '../progress.ts';
import { checkFound, refuseChangedTables, type AdmittedRun } from './admission/guard.ts';
import { assertOneHome } from './admission/one-home.ts';
import type { ClientDependencies } from './dependencies.ts';
import { assertSameRelease, rememberRelease, wasReleased } from './records/own-release.ts';
import { countDrawn, countRelease } from './release-counters.ts';

/** The `privatize` activity. @throws BadInput when another client releases the tenant's texts, before anything is
 *  reserved. */
export async function privatize({ store, home }: ClientDependencies, admitted: AdmittedRun): Promise<OwnRelease> {
  const { admission, ...context } = admitted;
  await assertOneHome({ store, home }, context.config.tenant);
  const reporter = createProgressReporter<ReleaseProgress>(RELEASE_PROGRESS_SIGNAL);
  const release = await releaseTables({
    ...context,
    home,
    isPublic: admission.isPublic,
    policyBudget: admission.budget,
    onInspected: async (found) => {
      if (!wasReleased(home, context)) await refuseChangedTables(admission);
      await checkFound(admitted, found);
    },
    onChosen: ({ eta, localKey }) => {
      admission.check({ mechanism: context.config.privacy.mechanism, eta });
      assertSameRelease(home, context, localKey);
    },
    signal: Context.current().cancellationSignal,
    onProgress: (progress) => reporter.report(progress, { now: progress.reused }),
    step: inSpan,
    onReserved: (entry) => {
      for (const note of labelsAgainNote(entry)) log.warn(note);
    },
    onDrawn: countDrawn,
    onReleased: countRelease,
  });
  await rememberRelease(home, context, release);
  return release;
}
