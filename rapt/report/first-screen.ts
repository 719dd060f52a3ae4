/** What a reader sees without scrolling: how good the tuned model is, how private the text was, and against what. */
import { baselinesOf, type AttackResult, type ReportData } from '../../contracts/index.ts';
import { count, number, percent, points } from './format.ts';
import { html, type Markup } from './html.ts';
import { wilsonInterval } from '../evaluation/index.ts';

export function firstScreen(data: ReportData): Markup {
  return html`<header>
    <h1>Tuning run ${data.run}</h1>
    <p class="summary">${summary(data)}</p>
    ${chips(data)} ${warning(data)}
    <div class="answers">${howGood(data)} ${howPrivate(data)} ${againstWhat(data)}</div>
  </header>`;
}

/** The answers in one sentence each. */
export function summary({ metrics, guarantee, unchangedRate }: ReportData): string {
  const lead = metrics.accuracy - metrics.majorityRate;
  const quality =
    `The tuned model classifies ${percent(metrics.accuracy)} of ${count(metrics.n)} held-out rows correctly, ` +
    (beatsMajority(metrics)
      ? `${points(lead)} more than always answering the most frequent class would.`
      : 'which is not reliably better than always answering the most frequent class ' +
        `(${percent(metrics.majorityRate)}).`);
  const privacy =
    guarantee.mechanism === 'none'
      ? 'No noise was added: the text left in plain tokens.'
      : `Only noisy tokens left the data owner; ${percent(unchangedRate)} of the tokens stayed as they were.`;
  return `${quality} ${privacy}`;
}

const beatsMajority = ({ accuracy, n, majorityRate }: ReportData['metrics']): boolean =>
  wilsonInterval(accuracy, n).low > majorityRate;

function chips({ tenant, rows, gates, resumed }: ReportData): Markup {
  const missed = gates.filter((gate) => !gate.passed).length;
  const gateChip =
    gates.length === 0
      ? null
      : missed === 0
        ? html`<li class="good">✓ ${gates.length === 1 ? 'the gate passed' : `all ${gates.length} gates passed`}</li>`
        : html`<li class="bad">✗ ${missed} of ${gates.length} gates missed</li>`;
  return html`<ul class="chips" aria-label="Run at a glance">
    ${gateChip}
    <li>tenant ${tenant}</li>
    <li>${count(rows.train)} training rows</li>
    <li>${count(rows.test)} held-out rows</li>
    ${resumed === null ? null : html`<li>${resumed}</li>`}
  </ul>`;
}

function warning({ guarantee }: ReportData): Markup | null {
  if (guarantee.mechanism === 'none')
    return html`<p class="warning" role="note">
      This run protects nothing: it used mechanism “none” and serves as a baseline only.
    </p>`;
  if (!guarantee.private)
    return html`<p class="warning" role="note">
      This run protects nothing: its noise came from a seeded source that is meant for tests.
    </p>`;
  return null;
}

function howGood({ metrics }: ReportData): Markup {
  const interval = wilsonInterval(metrics.accuracy, metrics.n);
  return html`<section aria-labelledby="good">
    <h2 id="good">How good</h2>
    <p class="figure">${percent(metrics.accuracy)} <small>accuracy</small></p>
    <p class="note">
      ${percent(interval.low)} to ${percent(interval.high)} (95 % interval, Wilson) on ${count(metrics.n)} held-out
      rows; macro F1 ${percent(metrics.f1)}
    </p>
  </section>`;
}

function howPrivate({ guarantee, unchangedRate, audit }: ReportData): Markup {
  const bayes = audit?.attacks.find(({ attack }) => attack === 'bayes');
  return html`<section aria-labelledby="private">
    <h2 id="private">How private</h2>
    <p class="figure">
      ${guarantee.eta === null ? 'not at all' : `eta ${number(guarantee.eta)}`} <small>${guarantee.mechanism}</small>
    </p>
    <p class="note">
      ${percent(unchangedRate)} of the tokens stayed as they were.
      ${
        bayes && guarantee.mechanism !== 'none'
          ? `The Bayesian adversary guesses ${percent(bayes.success.value)} of all tokens right, and ${blindly(bayes)}.`
          : null
      }
      <a href="#guarantee">What is guaranteed</a>
    </p>
  </section>`;
}

function blindly(bayes: AttackResult): string {
  const { withoutRelease, mostFrequent } = baselinesOf(bayes);
  const without = withoutRelease === null ? '' : `${percent(withoutRelease.value)} without the release, and `;
  return `${without}${percent(mostFrequent.value)} by always guessing the most frequent token`;
}

function againstWhat({ metrics, baseline, named }: ReportData): Markup {
  const interval = wilsonInterval(metrics.accuracy, metrics.n);
  const lead = metrics.accuracy - metrics.majorityRate;
  return html`<section aria-labelledby="against" class="against">
    <div>
      <h2 id="against">Against what baseline</h2>
      <p class="figure">
        ${signed(lead)}
        <small
          >${
            beatsMajority(metrics) ? 'over the most frequent class' : 'over the most frequent class, ' + 'within chance'
          }</small
        >
      </p>
      <p class="note">${differences(metrics.accuracy, named, baseline)}</p>
    </div>
    <table class="bars">
      <caption class="unseen">
        Accuracy of this run beside its references
      </caption>
      <tbody>
        ${bar('This run', metrics.accuracy, true, interval)}
        ${named === null ? null : bar(html`Baseline run <code>${named.run}</code>`, named.accuracy)}
        ${baseline === null ? null : bar(html`On plain text, run <code>${baseline.run}</code>`, baseline.accuracy)}
        ${bar('Most frequent class', metrics.majorityRate)}
      </tbody>
    </table>
  </section>`;
}

function differences(accuracy: number, named: ReportData['named'], baseline: ReportData['baseline']): Markup | string {
  if (named === null && baseline === null)
    return (
      'No run of the same tuning without privacy is known; one with ' +
      'mechanism “none” would show what the noise costs.'
    );
  return html`${named === null ? null : html`Baseline run <code>${named.run}</code>: ${differenceOf(named.accuracy - accuracy)}.`}
  ${baseline === null ? null : html`The same tuning on plain text: ${differenceOf(baseline.accuracy - accuracy)}.`}`;
}

const signed = (difference: number): string => `${difference < 0 ? '−' : '+'}${points(difference)}`;

/** @param difference of the other run to this one. */
const differenceOf = (difference: number): string =>
  difference > 0
    ? `${points(difference)} above this run`
    : difference < 0
      ? `${points(difference)} below this run`
      : 'equal to this run';

function bar(
  name: Markup | string,
  share: number,
  own = false,
  interval: { low: number; high: number } | null = null,
): Markup {
  const width = (part: number) => (part * 100).toFixed(2);
  const whisker =
    interval && html`<b style="left: ${width(interval.low)}%; width: ${width(interval.high - interval.low)}%"></b>`;
  return html`<tr>
    <th scope="row">${name}</th>
    <td aria-hidden="true">
      <div class="track"><i class="${own ? 'own' : 'reference'}" style="width: ${width(share)}%"></i>${whisker}</div>
    </td>
    <td>${percent(share)}</td>
  </tr>`;
}
