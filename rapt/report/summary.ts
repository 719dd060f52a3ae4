/** A run on one page of GitHub-flavoured Markdown, for a CI job. Drawings are Mermaid, since that is what GitHub and
 *  GitLab draw there: both take images written as data out of the page. */
import { baselinesOf, type GateResult, type Rate, type TuningResult } from '../../contracts/index.ts';
import { wilsonInterval } from '../evaluation/index.ts';
import { missedGates, totalSeconds, type Shown } from './facts.ts';
import { bullets, chart, code, page, table, text } from './markdown-syntax.ts';
import { READING_TITLE } from './sentences.ts';
import {
  attackName,
  BLIND_GUESSES,
  count,
  DRAWN_EARLIER,
  LEFT_IN_PLAIN,
  macroF1,
  NOT_TOLD,
  number,
  percent,
  percentIfTold,
  points,
  range,
  rateWithRange,
  stayedThemselves,
} from './words.ts';
import { gateInWords, gatesTogether, verdict } from './gate-words.ts';

/** The result of a finished run: how good, how private, against what, and whether the gates hold.
 *  @param remarks what has to be known besides, below the heading. */
export function renderSummary(result: TuningResult, remarks: readonly string[] = []): string {
  const { workflowId, gates } = result;
  const together = gates.length === 0 ? '✓ finished' : gatesTogether(missedGates(gates), gates.length, 'holds');
  return page([
    heading(workflowId, together),
    quoted(remarks),
    overview(result),
    gatesTable(gates),
    attacksTable(result),
    accuracyChart(result),
    lossChart(result),
    notesOf(result),
    origin(result),
  ]);
}

/** A run that gave no result, and why. */
export function renderWithoutResult(id: string, verdict: string, reasons: readonly string[]): string {
  return page([heading(id, `✗ ${verdict}`), quoted(reasons)]);
}

const quoted = (messages: readonly string[]): string | null =>
  messages.length === 0
    ? null
    : messages
        .flatMap((message) => message.split('\n'))
        .map((line) => `> ${text(line)}`)
        .join('\n>\n');

const heading = (id: string, verdict: string): string => `## Rapt run ${code(id)}: ${verdict}`;

export function overview({ metrics, privacy, baselines }: Shown): string {
  const { accuracy, majorityRate } = metrics.test;
  const { guarantee, eta, unchangedRate, mechanism } = privacy;
  const { neighbourLogRatio: ratio, labelEpsilon } = guarantee;
  const rows: string[][] = [];
  const { named, plain } = baselines ?? {};
  if (majorityRate !== undefined) rows.push(['Most frequent class', beside(accuracy, majorityRate)]);
  if (named) rows.push([`Baseline run ${code(named.run)}`, beside(accuracy, named.accuracy)]);
  if (plain) rows.push([`Same tuning on plain text, run ${code(plain.run)}`, beside(accuracy, plain.accuracy)]);
  const noise = eta === null ? null : `**${mechanism}, eta ${number(eta)}**; ${stayedThemselves(unchangedRate)}`;
  rows.push(['**How private**', noise ?? `**Not at all**: ${LEFT_IN_PLAIN}`]);
  if (ratio !== null)
    rows.push(['Likelihood ratio of two neighbouring words', `at most e^${number(ratio.p50)} (median over words)`]);
  if (labelEpsilon !== undefined) rows.push(['Training labels', `randomized, epsilon ${number(labelEpsilon)}`]);
  if (mechanism !== 'none' && !guarantee.private)
    rows.push([
      '**Warning**',
      'the noise came from a seeded source that is meant for tests: this run protects nothing',
    ]);
  return table(['How good', quality(metrics.test)], rows);
}

function quality({ accuracy, f1, n }: Shown['metrics']['test']): string {
  const texts = `${count(n)} held-out texts`;
  if (accuracy === null) return `accuracy on ${texts}: ${NOT_TOLD}`;
  const interval = `95 % interval ${range(wilsonInterval(accuracy, n))}`;
  return `${percent(accuracy)} accuracy on ${texts}, ${interval}; ${macroF1(f1)}`;
}

/** Another accuracy, and how this run's compares with it. */
function beside(accuracy: number | null, other: number | null): string {
  if (other === null || accuracy === null) return percentIfTold(other);
  const distance = `${points(accuracy - other)} ${accuracy > other ? 'above' : 'below'}`;
  return `${percent(other)}; this run is ${accuracy === other ? 'equal' : distance}`;
}

export function gatesTable(gates: readonly GateResult[]): string | null {
  if (gates.length === 0) return null;
  const rows = gates.map((gate) => {
    const { found, bound, baseline } = gateInWords(gate);
    const origin = baseline === null ? '' : ` (run ${code(baseline.run)}: ${baseline.value})`;
    return [
      code(gate.gate),
      found,
      bound === null ? '–' : `${bound}${origin}`,
      verdict(gate) === 'passed' ? '✓ holds' : '✗ **missed**',
    ];
  });
  return `### Gates\n\n${table(['Gate', 'Value', 'Bound', ''], rows)}`;
}

export function attacksTable({ audit }: Pick<Shown, 'audit'>): string | null {
  const { attacks = [], attributes = [], tokens = 0, texts = 0 } = audit;
  if (attacks.length + attributes.length === 0) return null;
  const told = (rate: Rate | null | undefined): string => percentIfTold(rate?.value);
  const rows = [
    ...attacks.map((one) => {
      const { withoutRelease, mostFrequent } = baselinesOf(one);
      // Earlier versions did not guess without the release.
      const without = withoutRelease === null && one.priorOnly !== null ? '–' : told(withoutRelease);
      const right = one.success === null ? NOT_TOLD : rateWithRange(one.success);
      return [text(attackName(one.attack)), right, without, told(mostFrequent)];
    }),
    ...attributes.map(({ attribute, success, priorOnly }) => [
      `Attribute ${code(attribute)}`,
      rateWithRange(success),
      '–',
      percent(priorOnly.value),
    ]),
  ];
  return [
    '### What attacks get',
    `Of ${count(tokens)} tokens of ${count(texts)} texts, attacked by their owner with the plain text at hand.`,
    table(['Attack', 'Right', 'Without the release', 'Most frequent token or value alone'], rows),
    text(BLIND_GUESSES),
  ].join('\n\n');
}

/** Null when no accuracy is told. */
export function accuracyChart({ metrics, baselines }: Shown): string | null {
  const shares: [string, number | null | undefined][] = [
    ['this run', metrics.test.accuracy],
    ['baseline run', baselines?.named?.accuracy],
    ['on plain text', baselines?.plain?.accuracy],
    ['most frequent class', metrics.test.majorityRate],
  ];
  const bars = shares.flatMap(([name, value]): [string, number][] =>
    typeof value === 'number' ? [[name, value]] : [],
  );
  if (bars.length === 0) return null;
  return chart('Accuracy on held-out texts', [
    `x-axis [${bars.map(([name]) => `"${name}"`).join(', ')}]`,
    'y-axis "%" 0 --> 100',
    `bar [${bars.map(([, share]) => (share * 100).toFixed(1)).join(', ')}]`,
  ]);
}

export function lossChart({ training }: Pick<Shown, 'training'>): string | null {
  const curve = training?.curve ?? [];
  const [first, last] = [curve.at(0), curve.at(-1)];
  // A line needs two points.
  if (first === undefined || last === undefined || first === last) return null;
  const top = Math.max(...curve.map(({ loss }) => loss));
  return chart('Training loss', [
    `x-axis "optimizer step" ${first.step} --> ${last.step}`,
    `y-axis "loss" 0 --> ${Number((top * 1.05).toPrecision(3))}`,
    `line [${curve.map(({ loss }) => loss).join(', ')}]`,
  ]);
}

const notesOf = ({ notes = [] }: TuningResult): string | null =>
  notes.length === 0 ? null : `### ${READING_TITLE}\n\n${bullets(notes)}`;

function origin({ adapter, release, report, resumed, timing }: TuningResult): string {
  const rows = [
    ['Adapter SHA-256', code(adapter.sha256)],
    ['Release SHA-256', `${code(release.sha256)}${release.reused ? ` (${DRAWN_EARLIER})` : ''}`],
    ['Report', code(report.uri)],
    ['Time', `${totalSeconds(timing).toFixed(0)} s`],
    ...(resumed === null ? [] : [['Resumed', text(resumed)]]),
  ];
  return `<details><summary>Where it lies</summary>\n\n${table(['Adapter', code(adapter.uri)], rows)}\n\n</details>`;
}
