import type { LossPoint } from '../../../contracts/index.ts';
import { learningCurves } from '../drawings/learning-curves.ts';
import type { Facts } from '../facts.ts';
import { html, type Markup } from '../html.ts';
import { count, number, percent, percentIfAny } from '../words.ts';
import { scrolling, section, table } from './parts.ts';

/** Rows of the loss table in the page; the curves show every point. */
const MOST_LOSS_ROWS = 25;

export function training({ history, metrics }: Facts): Markup {
  const last = history.at(-1);
  if (!last) return section('training', 'Training', html`<p>No losses were recorded.</p>`);
  const first = history[0] ?? last;
  const reconstruction = reconstructionOf(last);
  const label =
    `Loss and accuracy over ${count(last.step)} optimizer steps. ` +
    `Task loss from ${number(first.taskLoss)} to ${number(last.taskLoss)}; ` +
    `training rows right from ${percent(first.accuracy)} to ${percent(last.accuracy)}. ${reconstruction}`;
  return section(
    'training',
    'Training',
    html`<figure>
        ${scrolling('Learning curves', learningCurves(history, metrics.accuracy, label))}
        <figcaption>
          ${count(last.step)} optimizer steps, ${number(last.epoch)} epochs. Solid blue: task. Dashed orange:
          reconstruction of the random plain tokens. Each point is the mean over the steps since the point before.
          ${reconstruction}
        </figcaption>
      </figure>
      <details>
        <summary>Losses as a table</summary>
        ${lossTable(history)}
      </details>`,
  );
}

const reconstructionOf = ({ reconstructionLoss, reconstructionAccuracy }: LossPoint): string =>
  reconstructionLoss === null || reconstructionAccuracy === null
    ? 'Nothing was reconstructed in this run.'
    : `Its reconstruction loss ended at ${number(reconstructionLoss)}, with ` +
      `${percent(reconstructionAccuracy)} of the plain tokens right.`;

const lossTable = (history: readonly LossPoint[]): Markup =>
  table(
    'Losses and shares over the steps, thinned',
    ['Step', 'Epoch', 'Loss', 'Task', 'Reconstruction', 'Rows right', 'Plain tokens right', 'Gradient norm'],
    thin(history, MOST_LOSS_ROWS).map((point) => [
      count(point.step),
      number(point.epoch),
      number(point.loss),
      number(point.taskLoss),
      point.reconstructionLoss === null ? '–' : number(point.reconstructionLoss),
      percent(point.accuracy),
      percentIfAny(point.reconstructionAccuracy),
      number(point.gradientNorm),
    ]),
    true,
  );

/** At most `most` items, evenly spaced, the last among them. */
function thin<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, index) => items[Math.round((index * (items.length - 1)) / (most - 1))] as T);
}
