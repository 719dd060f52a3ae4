/** The report as GitHub-flavoured Markdown: for wikis, issues and terminals. */
import type { ReportData, TuningResult } from '../../contracts/index.ts';
import { classScores } from '../evaluation/index.ts';
import { explainGuarantee } from '../privacy/index.ts';
import { accuracyChart, attacksTable, gatesTable, lossChart, overview, type Shown } from '../summary/markdown.ts';
import { code, page, table, text } from '../summary/markup.ts';
import { sparseCurve } from './curve.ts';
import { summary } from './first-screen.ts';
import { count, number, percent } from './format.ts';
import { readingInMarkdown } from './reading.ts';
import { commands } from './sections.ts';
import { shareableConfig } from './settings.ts';

/** A line chart of more points is a smear. */
const CURVE_POINTS = 50;
/** A wider table is of no use to a reader. */
const MOST_CONFUSION_COLUMNS = 24;

/** Equal data give equal bytes. */
export function renderReportMarkdown(data: ReportData): string {
  const shown = asResult(data);
  return page([
    `# Rapt: tuning run ${code(data.run)}`,
    text(summary(data)),
    overview(shown),
    gatesTable(data.gates),
    accuracyChart(shown),
    frontier(data),
    results(data),
    lossChart(shown),
    attacksTable(shown),
    guarantee(data),
    readingInMarkdown(data),
    lineage(data),
    repeating(data),
  ]);
}

function asResult({
  metrics,
  guarantee,
  unchangedRate,
  audit,
  gates,
  named,
  baseline,
  history,
  lineage: { backbone },
}: ReportData): Shown {
  const { mechanism, eta } = guarantee;
  const privacy: TuningResult['privacy'] = { mechanism, eta, unchangedRate, guarantee, backboneSha256: backbone };
  return {
    metrics: { test: metrics },
    privacy,
    audit: audit ?? {},
    gates,
    baselines: { named, plain: baseline },
    training: { curve: sparseCurve(history, CURVE_POINTS) },
  };
}

function frontier({
  run,
  guarantee: { mechanism, eta },
  unchangedRate,
  audit,
  metrics,
  frontier: points,
  others,
}: ReportData): string | null {
  if (points.length === 0 && others.length === 0) return null;
  const bayes = audit?.attacks.find(({ attack }) => attack === 'bayes')?.success ?? null;
  const runs = [{ run, mechanism, eta, unchangedRate, bayes, accuracy: metrics.accuracy, sameData: true }, ...others];
  const share = (value: number | undefined): string => (value === undefined ? '–' : percent(value));
  return [
    '## Utility against privacy',
    table(
      ['Run', 'Mechanism', 'Eta', 'Tokens that stayed', "Bayes' rule right", 'Accuracy'],
      runs.map((one, at) => [
        at === 0 ? `**${code(one.run)}**` : code(one.run),
        one.mechanism,
        one.eta === null ? '–' : number(one.eta),
        percent(one.unchangedRate),
        share(one.bayes?.value),
        `${percent(one.accuracy)}${one.sameData ? '' : ' (other texts)'}`,
      ]),
    ),
    ...(points.length === 0
      ? []
      : [
          `What the ${mechanism} mechanism does to words as frequent as Zipf's law says, from the public table alone:`,
          table(
            ['Eta', 'Tokens of a text that stay', "Bayes' rule right", 'Among its ten likeliest'],
            points.map((point) => [
              number(point.eta),
              percent(point.unchangedInText),
              percent(point.bayes),
              percent(point.bayesTop10),
            ]),
          ),
        ]),
  ].join('\n\n');
}

function results({ classes, classCounts, metrics }: ReportData): string {
  const scores = classScores(metrics.confusion);
  const share = (value: number | null | undefined): string =>
    value === null || value === undefined ? '–' : percent(value);
  const scored = table(
    ['Class', 'Training rows', 'Held-out rows', 'Predicted', 'Precision', 'Recall', 'F1'],
    classes.map((name, at) => {
      const { support = 0, predicted = 0, precision, recall, f1 } = scores[at] ?? {};
      return [
        text(name),
        count(classCounts[at] ?? 0),
        count(support),
        count(predicted),
        share(precision),
        share(recall),
        share(f1),
      ];
    }),
  );
  const confusion = table(
    ['True (down), predicted (across)', ...classes.map(text)],
    metrics.confusion.map((row, truth) => [text(classes[truth] ?? ''), ...row.map(count)]),
  );
  return ['## Results by class', scored, ...(classes.length > MOST_CONFUSION_COLUMNS ? [] : [confusion])].join('\n\n');
}

const guarantee = (data: ReportData): string =>
  ['## What the guarantee says', ...explainGuarantee(data.guarantee, data.textLengths).map(text)].join('\n\n');

function lineage({ release, adapter, guarantee: { table: phi }, lineage: made }: ReportData): string {
  const rows = [
    ['Release', release.digest],
    ['Adapter', adapter.digest],
    ['Backbone (weights)', made.backbone],
    ['Embedding table of the backbone', phi.sha256],
    ['Configuration (keyed by the client)', made.configuration],
  ];
  return `## Where everything comes from\n\n${table(
    ['What', 'SHA-256'],
    rows.map(([what = '', digest = '']) => [what, code(digest)]),
  )}`;
}

const repeating = ({ run, config, named, baseline }: ReportData): string =>
  '## How to repeat ' +
  `it\n\n${fenced('sh', commands(run, named?.run ?? baseline?.run ?? null))}\n\n\`config.json\`:\n\n${fenced('json', JSON.stringify(shareableConfig(config), null, 2))}`;

/** A fence that no line of the content closes. */
function fenced(language: string, content: string): string {
  const longest = Math.max(2, ...Array.from(content.matchAll(/`+/g), ([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${content}\n${fence}`;
}
