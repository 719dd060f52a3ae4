import { ErrorKind, RaptError, type Predictions, type TestMetrics } from '../../contracts/index.ts';
import { evaluate } from '../evaluation/index.ts';
import { openRelease, readLocalLabels } from '../release/index.ts';

/** Holds answers for a release's test rows against their labels, which stayed on this machine.
 *  @throws RaptError notFound when release or labels are not here, corruptArtifact when a row was not answered. */
export async function scoreAnswers(
  folder: string,
  { rows, predicted }: { readonly [part in 'rows' | 'predicted']: ArrayLike<Predictions[part][number]> },
): Promise<Omit<TestMetrics, 'reconstruction'>> {
  const found = await openRelease(folder);
  if (found === null) throw new RaptError(ErrorKind.notFound, 'the release is not on this client any more');
  const { rows: labelledRows, labels } = await readLocalLabels(folder);
  const answers = new Map(Array.from(rows, (row, at) => [row, predicted[at]!]));
  const joined = Int32Array.from(labelledRows, (row) => {
    const answer = answers.get(row);
    if (answer === undefined)
      throw new RaptError(ErrorKind.corruptArtifact, `the predictions lack row ${row} of the test rows; run again`);
    return answer;
  });
  return evaluate(labels, joined, found.manifest.classes.length);
}
