/** A finished run at full length in GitHub-flavoured Markdown: for wikis, issues and terminals. */
import type { ReportData } from '../../contracts/index.ts';
import { explainGuarantee } from '../privacy/index.ts';
import { factsOf, shownOf, type Facts } from './facts.ts';
import { bullets, code, fenced, page, table, text } from './markdown-syntax.ts';
import { answers, commands, reading, READING_TITLE } from './sentences.ts';
import { shareableConfig } from './shareable-config.ts';
import { accuracyChart, attacksTable, gatesTable, lossChart, overview } from './summary.ts';
import { confusionTable, frontierTable, lineageRows, RUN_HEADS, runCells, scoreTable, type Table } from './tables.ts';
import { percent } from './words.ts';

/** Equal data give equal bytes. */
export function renderMarkdown(data: ReportData): string {
  const facts = factsOf(data);
  const shown = shownOf(data);
  return page([
    `# Rapt: tuning run ${code(facts.run)}`,
    text(answers(facts)),
    overview(shown),
    gatesTable(facts.gates),
    accuracyChart(shown),
    frontier(facts),
    results(facts),
    lossChart(shown),
    attacksTable(shown),
    guarantee(facts),
    howRead(facts),
    lineage(facts),
    repeating(facts),
  ]);
}

const escaped = ({ heads, rows }: Table): string =>
  table(
    heads.map(text),
    rows.map((cells) => cells.map(text)),
  );

function frontier({ guarantee, frontier: points, runs }: Facts): string | null {
  if (points.length === 0 && runs.length === 1) return null;
  const rows = runs.map((one, at) => {
    const name = code(one.run);
    const accuracy = percent(one.accuracy);
    return [
      at === 0 ? `**${name}**` : name,
      ...runCells(one, '–'),
      one.sameData ? accuracy : `${accuracy} (other texts)`,
    ];
  });
  const parts = ['## Utility against privacy', table(RUN_HEADS, rows)];
  if (points.length > 0)
    parts.push(
      `What the ${guarantee.mechanism} mechanism does to words as frequent as Zipf's law says, from the public table ` +
        'alone:',
      escaped(frontierTable(points)),
    );
  return parts.join('\n\n');
}

function results(facts: Facts): string {
  const confusion = confusionTable(facts, 'True (down), predicted (across)');
  const parts = ['## Results by class', escaped(scoreTable(facts))];
  if (confusion !== null) parts.push(escaped(confusion));
  return parts.join('\n\n');
}

const guarantee = (facts: Facts): string =>
  ['## What the guarantee says', ...explainGuarantee(facts.guarantee, facts.textLengths).map(text)].join('\n\n');

function howRead(facts: Facts): string | null {
  const sentences = reading(facts);
  return sentences.length === 0 ? null : `## ${READING_TITLE}\n\n${bullets(sentences)}`;
}

function lineage(facts: Facts): string {
  const rows = [['Release', facts.release.digest] as const, ...lineageRows(facts)];
  const digests = table(
    ['What', 'SHA-256'],
    rows.map(([what, digest]) => [what, code(digest)]),
  );
  return `## Where everything comes from\n\n${digests}`;
}

function repeating(facts: Facts): string {
  const config = JSON.stringify(shareableConfig(facts.config), null, 2);
  return ['## How to repeat it', fenced('sh', commands(facts)), '`config.json`:', fenced('json', config)].join('\n\n');
}
