/** Grading by labels that stay, once for each run.
 *
 *  Whoever makes the answers chooses the question: one class for one row, and the accuracy is that row's label; some
 *  twenty well-chosen sets of answers to forty rows, and their counts are a system of equations with one solution. So
 *  a run is graded once, what it was told is written down before it is told, and the same answers get the same figure
 *  for ever; where labels are protected, each further run is one more noisy count, which is paid for. */
import { join } from 'node:path';
import {
  canonicalJson,
  ErrorKind,
  RaptError,
  type Predictions,
  type Sha256,
  type TestMetrics,
} from '../../contracts/index.ts';
import { readWritten, sha256Of, writeOnce } from '../../system/index.ts';
import { toldShare, tooFewRows, type Evaluation } from '../evaluation/index.ts';
import { noisyCount, systemRandom, type RandomSource } from '../privacy/index.ts';
import { openRelease } from '../release/index.ts';
import { scoreAnswers } from './score.ts';

const GRADED_FILE = 'scored.json';

/** Asks for a noisy count of right answers to be paid for. The same run may be asked about again, after a kill, and
 *  pays once. @returns false when the budget does not have it: then the figure is not told. */
export type TellLabels = (asked: {
  readonly localKey: string;
  readonly run: string;
  readonly epsilon: number;
}) => Promise<boolean>;

/** A figure to be told, or why it is not. */
export interface Told {
  readonly value: number | null;
  readonly reason: string | null;
}
const kept = (reason: string): Told => ({ value: null, reason });

/** What of an evaluation is told. */
export interface ToldEvaluation {
  readonly accuracy: Told;
  readonly f1: Told;
}

/** How one run was graded. */
export interface Graded {
  readonly format: 'rapt-scored/1';
  /** Of the release whose test rows they are. */
  readonly localKey: string;
  /** Of the answers to the labelled rows. */
  readonly predictions: Sha256;
  /** Exact; for the owner. */
  readonly own: Omit<TestMetrics, 'reconstruction'>;
  readonly told: ToldEvaluation;
}

export interface GradeOptions {
  /** The run's own, and its release's. */
  readonly runFolder: string;
  readonly releaseFolder: string;
  readonly run: string;
  readonly localKey: string;
  readonly predictions: { readonly [part in 'rows' | 'predicted']: ArrayLike<Predictions[part][number]> };
  readonly tellLabels: TellLabels;
  readonly random?: RandomSource | undefined;
}

/** Grades a run, or finds how it was graded. @throws RaptError as `scoreAnswers`; badInput when the run was graded by
 *  other answers. */
export async function gradeOnce(options: GradeOptions): Promise<Graded> {
  const { runFolder, releaseFolder, run, localKey, predictions } = options;
  const found = await openRelease(releaseFolder);
  if (found === null) throw new RaptError(ErrorKind.notFound, 'the release is not on this client any more');
  const digest = digestOf(predictions);
  const before = await readGraded(runFolder);
  if (before !== null) return sameQuestion(before, localKey, digest, run);
  const own = await scoreAnswers(releaseFolder, predictions);
  // By the release itself: a configuration comes from the provider's side.
  const told = await toldEvaluation(
    own,
    found.manifest.labelNoise?.epsilon ?? null,
    (epsilon) => options.tellLabels({ localKey, run, epsilon }),
    options.random,
  );
  const graded: Graded = { format: 'rapt-scored/1', localKey, predictions: digest, own, told };
  await writeOnce(runFolder, join(runFolder, GRADED_FILE), Buffer.from(JSON.stringify(graded, null, 2)));
  // Another attempt may have been first, and have drawn otherwise.
  return sameQuestion((await readGraded(runFolder))!, localKey, digest, run);
}

/** How a run was graded; null when it was not, or by an earlier version. */
export async function readGraded(runFolder: string): Promise<Graded | null> {
  const bytes = await readWritten(join(runFolder, GRADED_FILE));
  return bytes === null ? null : (JSON.parse(bytes.toString('utf8')) as Graded);
}

function sameQuestion(graded: Graded, localKey: string, digest: Sha256, run: string): Graded {
  if (graded.localKey === localKey && graded.predictions === digest) return graded;
  const what = graded.localKey === localKey ? 'other answers' : 'answers to another release';
  throw new RaptError(
    ErrorKind.badInput,
    `run ${run} was graded already, by ${what}: a second grade would tell of single labels; ` +
      'start a run under another id',
  );
}

/** Of the classes that were answered. Probabilities are not graded, and their last digits may differ from machine to
 *  machine. */
function digestOf({ rows, predicted }: GradeOptions['predictions']): Sha256 {
  const answers = Array.from(rows, (row, at): [number, number] => [row, predicted[at]!]).sort(([a], [b]) => a - b);
  return sha256Of(canonicalJson(answers));
}

/** What of an evaluation is told: in steps and over enough rows. Where labels are protected, the number of right
 *  answers is drawn with noise first, if that is paid for; steps are made of the noisy number alone, and nothing else
 *  about the labels is told. @param epsilon null when labels are not protected. */
export async function toldEvaluation(
  { accuracy, f1, n }: Pick<Evaluation, 'accuracy' | 'f1' | 'n'>,
  epsilon: number | null,
  pay: (epsilon: number) => Promise<boolean>,
  random: RandomSource = systemRandom,
): Promise<ToldEvaluation> {
  const tooFew = tooFewRows(n);
  if (tooFew !== null) return { accuracy: kept(tooFew), f1: kept(tooFew) };
  const exactly = (share: number): Told => ({ value: toldShare(share, n), reason: null });
  if (epsilon === null) return { accuracy: exactly(accuracy), f1: exactly(f1) };
  const protectedLabels = kept('not told: labels are protected (privacy.labelEpsilon)');
  if (!(await pay(epsilon)))
    return { accuracy: kept(`not told: the label budget has no epsilon of ${epsilon} left`), f1: protectedLabels };
  return { accuracy: exactly(noisyCount(Math.round(accuracy * n), n, epsilon, random) / n), f1: protectedLabels };
}
