import { baselinesOf, type AuditResult, type Rate } from '../contracts/index.ts';
import { percent, table } from './terminal/output.ts';

const BASELINES =
  'without the release: always the likeliest token, or the ten likeliest, of public text (audit.publicText), else of ' +
  "Zipf's law; most frequent token: always the one, or the ten, that are so by what the release itself tells";

/** What attacks got, as tables for a terminal. */
export function auditTables({ texts, tokens, attacks, attributes, deniability }: AuditResult): string {
  const shown = ({ value, low, high }: Rate): string => `${percent(value)} (${percent(low)} to ${percent(high)})`;
  const parts: string[] = [];
  if (attacks.length > 0) {
    const rows = attacks.map((one) => {
      const { withoutRelease, mostFrequent } = baselinesOf(one);
      return [
        one.attack,
        shown(one.success),
        withoutRelease === null ? '–' : shown(withoutRelease),
        shown(mostFrequent),
      ];
    });
    parts.push(table([['attack', 'right', 'without the release', 'most frequent token'], ...rows]), BASELINES);
  }
  if (attributes.length > 0) {
    const rows = attributes.map(({ attribute, success, priorOnly, onPlainText }) => [
      attribute,
      shown(success),
      shown(priorOnly),
      shown(onPlainText),
    ]);
    parts.push(table([['attribute', 'right', 'most frequent value given', 'from the plain text'], ...rows]));
  }
  if (deniability !== null) {
    const { types, staysItself, differentOutputs, draws } = deniability;
    parts.push(
      `a token stays itself with a chance of ${percent(staysItself.p05)} / ${percent(staysItself.p50)} / ` +
        `${percent(staysItself.p95)}, and has ${differentOutputs.p05.toFixed(0)} / ` +
        `${differentOutputs.p50.toFixed(0)} / ${differentOutputs.p95.toFixed(0)} different outputs in ${draws} draws ` +
        `(5 %, 50 %, 95 % of ${types} tokens of the public vocabulary)`,
    );
  }
  parts.push(`${tokens} tokens of ${texts} texts were attacked; intervals are of 95 %, over texts`);
  return parts.join('\n\n');
}
