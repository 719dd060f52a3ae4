import { confusionMatrix } from '../drawings/confusion-matrix.ts';
import type { Facts } from '../facts.ts';
import { html, type Markup } from '../html.ts';
import { confusionTable, scoreTable } from '../tables.ts';
import { count, percent } from '../words.ts';
import { scrolling, section, table } from './parts.ts';

export function results(facts: Facts): Markup {
  const { classes, metrics } = facts;
  const label =
    `Confusion matrix of ${classes.length} classes over ${count(metrics.n)} held-out rows; the counts stand in the ` +
    'table after it.';
  const scores = scoreTable(facts);
  return section(
    'results',
    'Results by class',
    html`<figure>
        ${scrolling('Confusion matrix', confusionMatrix(classes, metrics.confusion, label))}
        <figcaption>
          Counts of held-out rows. The darker a cell, the larger its share of the true class. Blue: right. Orange:
          wrong.
        </figcaption>
      </figure>
      ${countsAsTable(facts)}
      ${table('Precision, recall and F1 of each class on the held-out rows', scores.heads, scores.rows, true)}
      ${reconstruction(facts)}`,
  );
}

function countsAsTable(facts: Facts): Markup | null {
  const counts = confusionTable(facts, 'True class');
  if (counts === null) return null;
  return html`<details>
    <summary>Counts as a table</summary>
    ${table('Held-out rows by true class (down) and predicted class (across)', counts.heads, counts.rows, true)}
  </details>`;
}

function reconstruction({ metrics }: Facts): Markup | null {
  if (metrics.reconstruction === null) return null;
  const { n, accuracy } = metrics.reconstruction;
  return html`<p>
    Of ${count(n)} held-out random plain tokens, ${percent(accuracy)} were reconstructed from their noisy versions. The
    head that does so is thrown away after training.
  </p>`;
}
