import type { ClientActivities } from '../../contracts/index.ts';
import { gradeOnce, releasedGates, type TellLabels } from '../../rapt/client/index.ts';
import { releaseFolder, runFolder } from '../../rapt/home.ts';
import type { ClientDependencies } from './dependencies.ts';
import { ownFigures } from './records/own-figures.ts';
import { readPredictions } from './stored-results.ts';

/** The `score` activity: joins the answers with the test labels, which stay on this machine, and tells what may be
 *  told. @param tellLabels pays for a noisy count of right answers where labels are protected. */
export async function score(
  { store, home }: ClientDependencies,
  { run, config, release: { localKey }, predictions: ref, reconstruction }: Parameters<ClientActivities['score']>[0],
  tellLabels: TellLabels,
): ReturnType<ClientActivities['score']> {
  const { tenant } = config;
  const predictions = await readPredictions(store, ref);
  await gradeOnce({
    runFolder: runFolder(home, tenant, run),
    releaseFolder: releaseFolder(home, tenant, localKey),
    run,
    localKey,
    predictions,
    tellLabels,
  });
  const { told, gates } = await ownFigures(home, { run, config }, reconstruction);
  return { metrics: told.metrics, gates: releasedGates(gates) };
}
