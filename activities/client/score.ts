import { predictionsSchema, type ClientActivities, type Predictions } from '../../contracts/index.ts';
import { scoreAnswers } from '../../rapt/client/index.ts';
import { releaseFolder } from '../../rapt/home.ts';
import { checkGates, gateValues } from '../../rapt/evaluation/index.ts';
import type { ArtifactRef } from '../../contracts/index.ts';
import type { ObjectStore } from '../../storage/index.ts';
import { readBaseline } from './baseline.ts';
import type { ClientDependencies } from './dependencies.ts';

/** The `score` activity: joins the answers with the test labels, which stay on this machine. */
export async function score(
  { store, home }: ClientDependencies,
  { config, release, audit = null, predictions: ref, reconstruction }: Parameters<ClientActivities['score']>[0],
): ReturnType<ClientActivities['score']> {
  const folder = releaseFolder(home, config.tenant, release.localKey);
  const metrics = { ...(await scoreAnswers(folder, await readPredictions(store, ref))), reconstruction };
  const values = gateValues({ test: metrics, unchangedRate: release.unchangedRate, audit });
  return { metrics, gates: checkGates(config.gates, values, readBaseline(home, config)) };
}

export async function readPredictions(store: ObjectStore, ref: ArtifactRef): Promise<Predictions> {
  return predictionsSchema.parse(JSON.parse((await store.get(ref)).toString('utf8')));
}
