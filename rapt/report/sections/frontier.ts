import { markedFrontier, type Mark } from '../drawings/frontier.ts';
import type { Facts } from '../facts.ts';
import { html, type Markup } from '../html.ts';
import { frontierTable, RUN_HEADS, runCells } from '../tables.ts';
import { percent } from '../words.ts';
import { scrolling, section, table } from './parts.ts';

/** Where this run stands among the choices that there were, and other runs of the same client with it. */
export function frontier(facts: Facts): Markup | null {
  const { frontier: points, others } = facts;
  if (points.length === 0 && others.length === 0) return null;
  return section('frontier', 'Utility against privacy', html`${points.length > 0 && drawn(facts)} ${runs(facts)}`);
}

function drawn(facts: Facts): Markup {
  const { guarantee, frontier: points } = facts;
  const marks = marksOf(facts);
  const isMarked = marks.some(({ own }) => own);
  const diamond = isMarked
    ? 'The diamond is this run, on its own texts.'
    : 'This run was not attacked, so that it is not marked.';
  const hasRings = marks.length > (isMarked ? 1 : 0);
  const line = frontierTable(points);
  return html`<figure>
      ${scrolling('Utility and privacy by eta', markedFrontier(points, marks))}
      <figcaption>
        The line is what the ${guarantee.mechanism} mechanism does to words as frequent as Zipf's law says, with eta
        beside each point; it is made from the public table alone. ${diamond}
        ${hasRings && 'Rings are other runs of this client.'} Farther right more of a text is kept to learn from;
        farther up more of it is given away.
      </figcaption>
    </figure>
    <details>
      <summary>The line as a table</summary>
      ${table('What stays and what an adversary gets, by eta', line.heads, line.rows, true)}
    </details>`;
}

/** This run, and others of the same mechanism: those that were attacked. */
const marksOf = ({ runs: [own, ...others] }: Facts): Mark[] =>
  [own, ...others.filter(({ mechanism }) => mechanism === own.mechanism)].flatMap((one): Mark[] => {
    if (one.bayes === null) return [];
    const isOwn = one === own;
    return [{ x: one.unchangedRate, y: one.bayes.value, own: isOwn, name: isOwn ? 'this run' : `run ${one.run}` }];
  });

function runs({ runs: all, others }: Facts): Markup {
  const caption =
    others.length === 0
      ? 'This run; no other finished run of this client used the same public table'
      : 'This run, and other finished runs of this client, the newest first';
  const rows = all.map((one, at) => [
    at === 0 ? html`<strong>${one.run}</strong>` : one.run,
    ...runCells(one, 'not attacked'),
    html`${percent(one.accuracy)}${!one.sameData && html` <small>(other texts)</small>`}`,
  ]);
  return table(caption, RUN_HEADS, rows, true);
}
