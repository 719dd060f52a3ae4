/** Releases and sums of the ledger, as people and JSON read them. */
import { labelsIn, type LedgerRelease } from '../../../rapt/ledger/index.ts';

export const RELEASE_HEAD = ['release', 'when', 'for run', 'as', 'mechanism', 'eta', 'labels', 'texts', 'state'];

export function releaseRow(release: LedgerRelease): string[] {
  const { localKey, reservedAt, run, purpose, mechanism, eta, texts, most, takesOver, released } = release;
  return [
    localKey,
    (released?.at ?? reservedAt).slice(0, 16).replace('T', ' '),
    run,
    purpose + (release.public === true ? ', public' : ''),
    mechanism,
    eta === null ? '-' : String(eta),
    labelsOf(release),
    (most > 1 ? `${texts}, up to ${most} alike` : String(texts)) + (takesOver === undefined ? '' : ', new'),
    released === null ? 'reserved, has not left' : 'left',
  ];
}

function labelsOf(release: LedgerRelease): string {
  const { labels, labelEpsilon, labelsAgain = 0, purpose } = release;
  const told = toldIn(release);
  const left =
    labels === undefined && purpose === 'file'
      ? 'unknown'
      : { none: '-', plain: 'as they are', drawn: `epsilon ${labelEpsilon}` }[labelsIn(release)];
  return left + (told === null ? '' : `, ${told} told`) + (labelsAgain > 0 ? `, ${labelsAgain} again` : '');
}

/** Sum of the epsilons of figures about a release's labels. */
export const toldIn = ({ told }: LedgerRelease): number | null =>
  told === undefined ? null : Number(told.reduce((sum, figure) => sum + figure.epsilon, 0).toPrecision(6));

/** A sum of etas; infinite when a text left as it is. */
export const etaInWords = (sum: number): string =>
  sum === Infinity ? 'everything, since it left as it is' : `eta ${Number(sum.toPrecision(6))}`;

export const epsilonInWords = (sum: number): string =>
  sum === Infinity ? 'everything, since it may have left as it is' : `epsilon ${Number(sum.toPrecision(6))}`;

/** JSON has no infinity. */
export const finite = (sum: number): number | null => (sum === Infinity ? null : sum);

/** After a sum: the budget that it counts against. */
export const ofBudget = (budget: number | undefined): string => (budget === undefined ? '' : ` of ${budget}`);
