import { explainGuarantee } from '../../privacy/index.ts';
import type { Facts } from '../facts.ts';
import { html, type Markup } from '../html.ts';
import { count, number } from '../words.ts';
import { bullets, section, table } from './parts.ts';

/** Sentences whose content the section shows as lists. */
const LISTED = /^(Not covered|Covered):/;

export function guarantee({ guarantee: given, textLengths }: Facts): Markup {
  const { table: phi, covered, notCovered, neighbourLogRatio } = given;
  const sentences = explainGuarantee(given, textLengths).filter((sentence) => !LISTED.test(sentence));
  const quantiles = (name: string, of: { p05: number; p50: number; p95: number }): string[] => [
    name,
    number(of.p05),
    number(of.p50),
    number(of.p95),
  ];
  const measures = [
    quantiles('Length of a token’s vector', phi.norm),
    quantiles('Distance to the nearest other token', phi.neighbourDistance),
  ];
  if (neighbourLogRatio) measures.push(quantiles('Log-ratio bound at that distance', neighbourLogRatio));
  return section(
    'guarantee',
    'What the guarantee says',
    html`${sentences.map((sentence) => html`<p>${sentence}</p>`)}
      <div class="columns">
        <div>
          <h3>Covered</h3>
          ${bullets(covered, 'Nothing.')}
        </div>
        <div>
          <h3>Not covered</h3>
          ${bullets(notCovered, 'Nothing is excluded.')}
        </div>
      </div>
      ${table(
        'What gives eta its meaning: the public embedding table',
        ['Measure', '5 %', 'median', '95 %'],
        measures,
        true,
      )}
      <p class="note">
        ${count(phi.rows)} tokens of ${count(phi.dimensions)} dimensions, ${count(phi.outputTokens)} of them public
        output tokens. ${precision(given)} Table SHA-256 <code>${phi.sha256}</code>
      </p>`,
  );
}

/** What finite precision adds to the bound, and with which chance the bound fails. */
function precision({ numericalSlack, numericalDelta }: Facts['guarantee']): string {
  const sentences: string[] = [];
  if (numericalSlack) sentences.push(`Finite precision adds at most ${numericalSlack.toExponential(1)} to the bound.`);
  if (numericalDelta)
    sentences.push(`Finite precision costs a chance of at most ${numericalDelta.toExponential(1)} for each token.`);
  return sentences.join(' ');
}
