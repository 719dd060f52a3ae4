/** What a reader sees without scrolling: how good the tuned model is, and how private the text was. */
import type { ReportData } from '../../contracts/index.ts';
import { count, number, percent, points } from './format.ts';
import { html, type Markup } from './html.ts';
import { wilsonInterval } from '../evaluation/index.ts';

export function firstScreen(data: ReportData): Markup {
  return html`<header>
    <h1>Tuning run ${data.run}</h1>
    <p class="summary">${summary(data)}</p>
    ${chips(data)} ${warning(data)}
    <div class="answers">${howGood(data)} ${howPrivate(data)}</div>
  </header>`;
}

function summary({ metrics, guarantee, unchangedRate }: ReportData): string {
  const lead = metrics.accuracy - metrics.majorityRate;
  const beatsMajority = wilsonInterval(metrics.accuracy, metrics.n).low > metrics.majorityRate;
  const quality =
    `The tuned model classifies ${percent(metrics.accuracy)} of ${count(metrics.n)} held-out rows correctly, ` +
    (beatsMajority
      ? `${points(lead)} more than always answering the most frequent class would.`
      : `which is not reliably better than always answering the most frequent class (${percent(metrics.majorityRate)}).`);
  const privacy =
    guarantee.mechanism === 'none'
      ? 'No noise was added: the text left in plain tokens.'
      : `Only noisy tokens left the data owner; ${percent(unchangedRate)} of the tokens stayed as they were.`;
  return `${quality} ${privacy}`;
}

function chips({ tenant, rows, gates, resumed }: ReportData): Markup {
  const missed = gates.filter((gate) => !gate.passed).length;
  const gateChip =
    gates.length === 0
      ? null
      : missed === 0
        ? html`<li class="good">✓ ${gates.length === 1 ? 'the gate passed' : `all ${gates.length} gates passed`}</li>`
        : html`<li class="bad">✗ ${missed} of ${gates.length} gates missed</li>`;
  return html`<ul class="chips" aria-label="Run at a glance">
    <li>tenant ${tenant}</li>
    <li>${count(rows.train)} training rows</li>
    <li>${count(rows.test)} held-out rows</li>
    ${gateChip} ${resumed === null ? null : html`<li>${resumed}</li>`}
  </ul>`;
}

function warning({ guarantee }: ReportData): Markup | null {
  if (guarantee.mechanism === 'none')
    return html`<p class="warning" role="note">This run protects nothing: it used mechanism “none” and serves as a baseline only.</p>`;
  if (!guarantee.private)
    return html`<p class="warning" role="note">
      This run protects nothing: its noise came from a seeded source that is meant for tests.
    </p>`;
  return null;
}

function howGood({ metrics, baseline, named }: ReportData): Markup {
  const interval = wilsonInterval(metrics.accuracy, metrics.n);
  const range = `${percent(interval.low)} to ${percent(interval.high)}`;
  return html`<section aria-labelledby="good">
    <h2 id="good">How good</h2>
    <p class="figure">${percent(metrics.accuracy)} <small>accuracy</small></p>
    <p class="note">95 % interval ${range} (Wilson), from ${count(metrics.n)} held-out rows</p>
    <table class="bars">
      <caption hidden>Accuracy of this run beside its references</caption>
      <tbody>
        ${bar('This run', metrics.accuracy, true, interval)}
        ${named === null ? null : bar('Baseline run', named.accuracy)}
        ${baseline === null ? null : bar('Same tuning on plain text', baseline.accuracy)}
        ${bar('Most frequent class', metrics.majorityRate)}
      </tbody>
    </table>
    <p class="note">
      Macro F1 ${percent(metrics.f1)}.
      ${named === null ? null : html`Baseline run <code>${named.run}</code>, ${differenceOf(metrics.accuracy - named.accuracy)}.`}
      ${baseline === null
        ? 'No run of the same tuning without privacy is known; one with mechanism “none” would show what the noise costs.'
        : html`Plain baseline from run <code>${baseline.run}</code>, ${differenceOf(metrics.accuracy - baseline.accuracy)}.`}
    </p>
  </section>`;
}

const differenceOf = (difference: number): string =>
  difference < 0 ? `${points(difference)} above this run` : difference > 0 ? `${points(difference)} below this run` : 'equal to this run';

function bar(name: string, share: number, own = false, interval: { low: number; high: number } | null = null): Markup {
  const width = (part: number) => (part * 100).toFixed(2);
  const whisker = interval && html`<b style="left: ${width(interval.low)}%; width: ${width(interval.high - interval.low)}%"></b>`;
  return html`<tr>
    <th scope="row">${name}</th>
    <td aria-hidden="true">
      <div class="track"><i class="${own ? 'own' : 'reference'}" style="width: ${width(share)}%"></i>${whisker}</div>
    </td>
    <td>${percent(share)}</td>
  </tr>`;
}

function howPrivate({ guarantee, unchangedRate }: ReportData): Markup {
  const eta = guarantee.eta === null ? null : html`<small>at eta ${number(guarantee.eta)}</small>`;
  const expected =
    guarantee.expectedUnchanged === null
      ? null
      : html`<tr>
          <th scope="row">Expected over the vocabulary</th>
          <td>${percent(guarantee.expectedUnchanged)}</td>
        </tr>`;
  const ratio = guarantee.neighbourLogRatio;
  return html`<section aria-labelledby="private">
    <h2 id="private">How private</h2>
    <p class="figure">${guarantee.mechanism} ${eta}</p>
    <p>${guarantee.statement}</p>
    <table>
      <caption hidden>Privacy at a glance</caption>
      <tbody>
        <tr>
          <th scope="row">Tokens that stayed as they were</th>
          <td>${percent(unchangedRate)}</td>
        </tr>
        ${expected}
        ${ratio === null
          ? null
          : html`<tr>
              <th scope="row">Log-ratio bound between nearest words (median)</th>
              <td>${number(ratio.p50)}</td>
            </tr>`}
      </tbody>
    </table>
    <p class="note"><a href="#guarantee">What the guarantee covers, and what it does not</a></p>
  </section>`;
}
