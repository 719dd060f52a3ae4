/** Tables that the page and the Markdown have in common, without the markup of either: cells are plain text. */
import type { FrontierPoint, OtherRun } from '../../contracts/index.ts';
import type { Facts } from './facts.ts';
import { count, number, percent, percentIfAny } from './words.ts';

export interface Table {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Above so many classes a table of counts is too wide to be of use to a reader. */
const MOST_CONFUSION_COLUMNS = 24;

/** Precision, recall and F1 of each class. */
export const scoreTable = ({ classes, classCounts, scores }: Facts): Table => ({
  heads: ['Class', 'Training rows', 'Held-out rows', 'Predicted', 'Precision', 'Recall', 'F1'],
  rows: classes.map((name, at) => {
    const { support = 0, predicted = 0, precision, recall, f1 } = scores[at] ?? {};
    const shares = [precision, recall, f1].map(percentIfAny);
    return [name, count(classCounts[at] ?? 0), count(support), count(predicted), ...shares];
  }),
});

/** Counts of held-out rows by true class (down) and predicted class (across); null when there are too many classes.
 *  @param corner is the head of the first column. */
export const confusionTable = ({ classes, metrics }: Facts, corner: string): Table | null =>
  classes.length > MOST_CONFUSION_COLUMNS
    ? null
    : {
        heads: [corner, ...classes],
        rows: metrics.confusion.map((row, truth) => [classes[truth] ?? '', ...row.map(count)]),
      };

/** What stays and what an adversary gets, by eta. */
export const frontierTable = (points: readonly FrontierPoint[]): Table => ({
  heads: ['Eta', 'Tokens of a text that stay', "Bayes' rule right", 'Among its ten likeliest'],
  rows: points.map(({ eta, unchangedInText, bayes, bayesTop10 }) => [
    number(eta),
    ...[unchangedInText, bayes, bayesTop10].map(percent),
  ]),
});

export const RUN_HEADS = ['Run', 'Mechanism', 'Eta', 'Tokens that stayed', "Bayes' rule right", 'Accuracy'];

/** Of a run what stands between its name and its accuracy. @param notAttacked stands for what Bayes' rule got where it
 *  was not tried. */
export const runCells = ({ mechanism, eta, unchangedRate, bayes }: OtherRun, notAttacked: string): string[] => [
  mechanism,
  eta === null ? '–' : number(eta),
  percent(unchangedRate),
  bayes === null ? notAttacked : percent(bayes.value),
];

/** Digests of what the run was made from and what it made. */
export const lineageRows = ({ adapter, guarantee, lineage }: Facts): [what: string, digest: string][] => [
  ['Adapter', adapter.digest],
  ['Backbone (weights)', lineage.backbone],
  ['Embedding table of the backbone', guarantee.table.sha256],
  ['Configuration (keyed by the client)', lineage.configuration],
];
