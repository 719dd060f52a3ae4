/** A run in GitHub-flavoured Markdown, for the page of a CI job. Drawings are Mermaid, since that is what GitHub and
 *  GitLab draw there: both take images written as data out of the page. */
import { baselinesOf, type GateResult, type Rate, type TuningResult } from '../../contracts/index.ts';
import { wilsonInterval } from '../evaluation/index.ts';
import { ATTACK_NAMES, BLIND_GUESSES } from '../report/attack-names.ts';
import { count, number, percent, points } from '../report/format.ts';
import { chart, code, interval, page, range, table, text } from './markup.ts';

/** The result of a finished run: how good, how private, against what, and whether the gates hold.
 *  @param remarks what has to be known besides, below the heading. */
export function renderSummary(result: TuningResult, remarks: readonly string[] = []): string {
  const { workflowId, gates } = result;
  const missed = gates.filter(({ passed }) => !passed).length;
  const verdict =
    gates.length === 0
      ? '✓ finished'
      : missed === 0
        ? `✓ ${gates.length === 1 ? 'the gate holds' : `all ${gates.length} gates hold`}`
        : `✗ ${missed} of ${gates.length} gates missed`;
  return page([
    heading(workflowId, verdict),
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

const NOT_TOLD = 'not told';

/** What of a run its page is made of. */
export type Shown = Pick<TuningResult, 'metrics' | 'privacy' | 'audit' | 'gates' | 'baselines' | 'training'>;

export function overview({ metrics, privacy, baselines }: Shown): string {
  const { accuracy, f1, n, majorityRate } = metrics.test;
  const { guarantee, eta, unchangedRate, mechanism } = privacy;
  const beside = (other: number | null): string => {
    if (other === null) return NOT_TOLD;
    if (accuracy === null) return percent(other);
    const distance = `${points(accuracy - other)} ${accuracy > other ? 'above' : 'below'}`;
    return `${percent(other)}; this run is ${accuracy === other ? 'equal' : distance}`;
  };
  const quality =
    accuracy === null
      ? `accuracy on ${count(n)} held-out texts: ${NOT_TOLD}`
      : `${percent(accuracy)} accuracy on ${count(n)} held-out texts, 95 % interval ` +
        `${range(wilsonInterval(accuracy, n))}; ` +
        `macro F1 ${f1?.toFixed(3) ?? NOT_TOLD}`;
  const unchanged = unchangedRate === null ? NOT_TOLD : percent(unchangedRate);
  const ratio = guarantee.neighbourLogRatio;
  return table(
    ['How good', quality],
    [
      ...(majorityRate === undefined ? [] : [['Most frequent class', beside(majorityRate)]]),
      ...(baselines?.named ? [[`Baseline run ${code(baselines.named.run)}`, beside(baselines.named.accuracy)]] : []),
      ...(baselines?.plain
        ? [[`Same tuning on plain text, run ${code(baselines.plain.run)}`, beside(baselines.plain.accuracy)]]
        : []),
      [
        '**How private**',
        eta === null
          ? '**Not at all**: the texts left in plain tokens'
          : `**${mechanism}, eta ${number(eta)}**; ${unchanged} of the tokens stayed themselves`,
      ],
      ...(ratio === null
        ? []
        : [['Likelihood ratio of two neighbouring words', `at most e^${number(ratio.p50)} (median over words)`]]),
      ...(guarantee.labelEpsilon === undefined
        ? []
        : [['Training labels', `randomized, epsilon ${number(guarantee.labelEpsilon)}`]]),
      ...(mechanism !== 'none' && !guarantee.private
        ? [['**Warning**', 'the noise came from a seeded source that is meant for tests: this run protects nothing']]
        : []),
    ],
  );
}

export function gatesTable(gates: readonly GateResult[]): string | null {
  if (gates.length === 0) return null;
  const rows = gates.map(({ gate, value, passed, bound, baseline, reason }) => [
    code(gate),
    value === null ? (reason ?? (passed === null ? NOT_TOLD : 'not measured')) : number(value),
    bound === undefined
      ? '–'
      : `${number(bound)}${baseline === undefined ? '' : ` (run ${code(baseline.run)}: ${number(baseline.value)})`}`,
    passed ? '✓ holds' : '✗ **missed**',
  ]);
  return `### Gates\n\n${table(['Gate', 'Value', 'Bound', ''], rows)}`;
}

export function attacksTable({
  audit: { attacks = [], attributes = [], tokens = 0, texts = 0 },
}: Shown): string | null {
  if (attacks.length + attributes.length === 0) return null;
  const rows = [
    ...attacks.map((one) => {
      const { withoutRelease, mostFrequent } = baselinesOf(one);
      const told = (rate: Rate | null | undefined): string => (rate ? percent(rate.value) : NOT_TOLD);
      const without = withoutRelease === null ? (one.priorOnly === null ? NOT_TOLD : '–') : told(withoutRelease);
      const name = ATTACK_NAMES[one.attack] ?? text(one.attack);
      return [name, one.success === null ? NOT_TOLD : interval(one.success), without, told(mostFrequent)];
    }),
    ...attributes.map(({ attribute, success, priorOnly }) => [
      `Attribute ${code(attribute)}`,
      interval(success),
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

export function lossChart({ training }: Shown): string | null {
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
  notes.length === 0 ? null : `### How the tables were read\n\n${notes.map((note) => `- ${text(note)}`).join('\n')}`;

function origin({ adapter, release, report, resumed, timing }: TuningResult): string {
  const seconds = Object.values(timing).reduce((sum, part) => sum + part, 0);
  const rows = [
    ['Adapter SHA-256', code(adapter.sha256)],
    [
      'Release SHA-256',
      `${code(release.sha256)}${release.reused ? ' (drawn by an earlier run; nothing was spent again)' : ''}`,
    ],
    ['Report', code(report.uri)],
    ['Time', `${seconds.toFixed(0)} s`],
    ...(resumed === null ? [] : [['Resumed', text(resumed)]]),
  ];
  return `<details><summary>Where it lies</summary>\n\n${table(['Adapter', code(adapter.uri)], rows)}\n\n</details>`;
}
