import { ErrorKind, predictionsSchema, RaptError, type ClientActivities, type Predictions } from '../../contracts/index.ts';
import { checkGates, evaluate } from '../../rapt/evaluation/index.ts';
import { openRelease, readLocalLabels } from '../../rapt/release/index.ts';
import type { ArtifactRef, AuditResult } from '../../contracts/index.ts';
import type { ObjectStore } from '../../storage/index.ts';
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
  const { accuracy, f1 } = evaluation;
  return {
    metrics: { ...evaluation, reconstruction },
    gates: checkGates(config.gates, { accuracy, f1, unchangedRate: release.unchangedRate, reconstructionAccuracy: reconstruction?.accuracy ?? null, ...attackRates(audit) }),
  };
}

function attackRates(audit: AuditResult | null): Record<string, number> {
  const attacks = audit?.attacks.map(({ attack, success }) => [attack, success.value] as const) ?? [];
  const attributes = audit?.attributes.map(({ attribute, success }) => [`attribute.${attribute}`, success.value] as const) ?? [];
  const { staysItself, differentOutputs } = audit?.deniability ?? {};
  const denied = staysItself && differentOutputs ? { staysItself: staysItself.p50, differentOutputs: differentOutputs.p50 } : {};
  return { ...Object.fromEntries([...attacks, ...attributes]), ...denied };
}

export async function readPredictions(store: ObjectStore, ref: ArtifactRef): Promise<Predictions> {
  return predictionsSchema.parse(JSON.parse((await store.get(ref)).toString('utf8')));
}
