/** What a reader sees without scrolling: how good the tuned model is, how private the text was, and against what. */
import { baselinesOf, type AttackResult } from '../../../contracts/index.ts';
import type { Interval } from '../../evaluation/index.ts';
import { missedGates, type Facts } from '../facts.ts';
import { html, type Markup } from '../html.ts';
import { answers } from '../sentences.ts';
import { gatesTogether } from '../gate-words.ts';
import { count, number, percent, points, range } from '../words.ts';

export function firstScreen(facts: Facts): Markup {
  return html`<header>
    <h1>Tuning run ${facts.run}</h1>
    <p class="summary">${answers(facts)}</p>
    ${chips(facts)} ${warning(facts)}
    <div class="answers">${howGood(facts)} ${howPrivate(facts)} ${againstWhat(facts)}</div>
  </header>`;
}

function chips({ tenant, rows, gates, resumed }: Facts): Markup {
  return html`<ul class="chips" aria-label="Run at a glance">
    ${gates.length > 0 && gateChip(gates)}
    <li>tenant ${tenant}</li>
    <li>${count(rows.train)} training rows</li>
    <li>${count(rows.test)} held-out rows</li>
    ${resumed !== null && html`<li>${resumed}</li>`}
  </ul>`;
}

function gateChip(gates: Facts['gates']): Markup {
  const missed = missedGates(gates);
  return html`<li class="${missed === 0 ? 'good' : 'bad'}">${gatesTogether(missed, gates.length, 'passed')}</li>`;
}

function warning({ guarantee }: Facts): Markup | null {
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

function howGood({ metrics, accuracyInterval }: Facts): Markup {
  return html`<section aria-labelledby="good">
    <h2 id="good">How good</h2>
    <p class="figure">${percent(metrics.accuracy)} <small>accuracy</small></p>
    <p class="note">
      ${range(accuracyInterval)} (95 % interval, Wilson) on ${count(metrics.n)} held-out rows; macro F1
      ${percent(metrics.f1)}
    </p>
  </section>`;
}

function howPrivate({ guarantee, unchangedRate, bayes }: Facts): Markup {
  const eta = guarantee.eta === null ? 'not at all' : `eta ${number(guarantee.eta)}`;
  return html`<section aria-labelledby="private">
    <h2 id="private">How private</h2>
    <p class="figure">${eta} <small>${guarantee.mechanism}</small></p>
    <p class="note">
      ${percent(unchangedRate)} of the tokens stayed as they were.
      ${bayes !== null && guarantee.mechanism !== 'none' && guessed(bayes)}
      <a href="#guarantee">What is guaranteed</a>
    </p>
  </section>`;
}

/** What the Bayesian adversary guesses, and what guessing blindly gets. */
function guessed(bayes: AttackResult): string {
  const { withoutRelease, mostFrequent } = baselinesOf(bayes);
  const right = `The Bayesian adversary guesses ${percent(bayes.success.value)} of all tokens right`;
  const without = withoutRelease === null ? '' : `${percent(withoutRelease.value)} without the release, and `;
  return `${right}, and ${without}${percent(mostFrequent.value)} by always guessing the most frequent token.`;
}

function againstWhat({ metrics, accuracyInterval, lead, beatsMajority, baseline, named }: Facts): Markup {
  return html`<section aria-labelledby="against" class="against">
    <div>
      <h2 id="against">Against what baseline</h2>
      <p class="figure">
        ${signed(lead)} <small>over the most frequent class${!beatsMajority && ', within chance'}</small>
      </p>
      <p class="note">${differences(metrics.accuracy, named, baseline)}</p>
    </div>
    <table class="bars">
      <caption class="unseen">
        Accuracy of this run beside its references
      </caption>
      <tbody>
        ${bar('This run', metrics.accuracy, true, accuracyInterval)}
        ${named && bar(html`Baseline run <code>${named.run}</code>`, named.accuracy)}
        ${baseline && bar(html`On plain text, run <code>${baseline.run}</code>`, baseline.accuracy)}
        ${bar('Most frequent class', metrics.majorityRate)}
      </tbody>
    </table>
  </section>`;
}

function differences(accuracy: number, named: Facts['named'], baseline: Facts['baseline']): Markup | string {
  if (named === null && baseline === null)
    return (
      'No run of the same tuning without privacy is known; one with mechanism “none” would show what the noise ' +
      'costs.'
    );
  const toNamed = named && html`Baseline run <code>${named.run}</code>: ${differenceOf(named.accuracy - accuracy)}.`;
  const toPlain = baseline && html`The same tuning on plain text: ${differenceOf(baseline.accuracy - accuracy)}.`;
  return html`${toNamed} ${toPlain}`;
}

const signed = (difference: number): string => `${difference < 0 ? '−' : '+'}${points(difference)}`;

/** @param difference of the other run to this one. */
function differenceOf(difference: number): string {
  if (difference === 0) return 'equal to this run';
  return `${points(difference)} ${difference > 0 ? 'above' : 'below'} this run`;
}

/** @param interval is drawn over the bar. */
function bar(name: Markup | string, share: number, own = false, interval: Interval | null = null): Markup {
  const width = (part: number): string => (part * 100).toFixed(2);
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
