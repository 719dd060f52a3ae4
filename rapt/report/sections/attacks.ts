import { baselinesOf, type AuditResult } from '../../../contracts/index.ts';
import type { Facts } from '../facts.ts';
import { html, type Markup } from '../html.ts';
import { attackName, BLIND_GUESSES, count, percent, rateWithRange } from '../words.ts';
import { section, table } from './parts.ts';

/** What attacks with full knowledge of the mechanism get, beside what guessing blindly gets. */
export function attacks({ audit, guarantee }: Facts): Markup | null {
  if (audit === null) return null;
  const meaning = guarantee.private
    ? 'The bound above holds against every adversary; this table is what these ones achieve.'
    : 'Nothing was hidden from them.';
  return section(
    'attacks',
    'What attacks get',
    html`<p>
        The data owner attacked this release with the plain text at hand to tell what was right: ${count(audit.tokens)}
        tokens of ${count(audit.texts)} texts. ${meaning}
      </p>
      ${onTokens(audit)} ${onAttributes(audit)} ${deniability(audit)}`,
  );
}

function onTokens({ attacks: tried }: AuditResult): Markup | null {
  if (tried.length === 0) return null;
  const rows = tried.map((one) => {
    const { withoutRelease, mostFrequent } = baselinesOf(one);
    const without = withoutRelease === null ? '–' : rateWithRange(withoutRelease);
    return [attackName(one.attack), rateWithRange(one.success), without, rateWithRange(mostFrequent)];
  });
  return html`${table(
      'Tokens guessed right, with 95 % intervals over texts',
      ['Attack', 'Right', 'Without the release', 'Most frequent token alone'],
      rows,
      true,
    )}
    <p class="note">${BLIND_GUESSES}</p>`;
}

function onAttributes({ attributes }: AuditResult): Markup | null {
  if (attributes.length === 0) return null;
  return table(
    'Attributes of texts guessed right, with 95 % intervals',
    ['Attribute', 'From the release', 'Most frequent value given', 'From the plain text', 'Texts'],
    attributes.map(({ attribute, success, priorOnly, onPlainText, n }) => [
      attribute,
      rateWithRange(success),
      rateWithRange(priorOnly),
      rateWithRange(onPlainText),
      count(n),
    ]),
    true,
  );
}

function deniability({ deniability: measured }: AuditResult): Markup | null {
  if (measured === null) return null;
  const { types, draws, staysItself, differentOutputs } = measured;
  const whole = (value: number): string => count(Math.round(value));
  return table(
    `Plausible deniability of ${count(types)} tokens, spread evenly over the public vocabulary`,
    ['Measure', '5 %', 'median', '95 %'],
    [
      ['Chance that a token stays itself', staysItself, percent] as const,
      [`Different outputs in ${count(draws)} draws`, differentOutputs, whole] as const,
    ].map(([name, { p05, p50, p95 }, written]) => [name, written(p05), written(p50), written(p95)]),
    true,
  );
}
