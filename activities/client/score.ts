import { ErrorKind, predictionsSchema, RaptError, type ClientActivities, type Predictions } from '../../contracts/index.ts';
import { checkGates, evaluate, gateValues } from '../../rapt/evaluation/index.ts';
import { openRelease, readLocalLabels } from '../../rapt/release/index.ts';
import type { ArtifactRef } from '../../contracts/index.ts';
import type { ObjectStore } from '../../storage/index.ts';
import { readBaseline } from './baseline.ts';
import { releaseFolder, type ClientDependencies } from './home.ts';

/** The `score` activity: joins the answers with the test labels, which stay on this machine. */
export async function score(
  { store, home }: ClientDependencies,
  { config, release, audit = null, predictions: ref, reconstruction }: Parameters<ClientActivities['score']>[0],
): ReturnType<ClientActivities['score']> {
  const folder = releaseFolder(home, config.tenant, release.localKey);
  const found = await openRelease(folder);
  if (found === null) throw new RaptError(ErrorKind.notFound, `the release ${release.digest} is not on this client any more`);
  const { rows, predicted } = await readPredictions(store, ref);
  const { rows: labelledRows, labels } = await readLocalLabels(folder);
  const answers = new Map(rows.map((row, at) => [row, predicted[at]!]));
  const joined = Int32Array.from(labelledRows, (row) => {
    const answer = answers.get(row);
    if (answer === undefined) throw new RaptError(ErrorKind.corruptArtifact, `the predictions lack row ${row} of the test rows; run again`);
    return answer;
  });
  const evaluation = evaluate(labels, joined, found.manifest.classes.length);
  const metrics = { ...evaluation, reconstruction };
  const values = gateValues({ test: metrics, unchangedRate: release.unchangedRate, audit });
  return { metrics, gates: checkGates(config.gates, values, readBaseline(home, config)) };
}

export async function readPredictions(store: ObjectStore, ref: ArtifactRef): Promise<Predictions> {
  return predictionsSchema.parse(JSON.parse((await store.get(ref)).toString('utf8')));
}
