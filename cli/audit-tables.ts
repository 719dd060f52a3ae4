import type { AuditResult, Rate } from '../contracts/index.ts';
import { percent, table } from './output.ts';

/** What attacks got, as tables for a terminal. */
export function auditTables({ texts, tokens, attacks, attributes, deniability }: AuditResult): string {
  const shown = ({ value, low, high }: Rate): string => `${percent(value)} (${percent(low)} to ${percent(high)})`;
  const parts: string[] = [];
  if (attacks.length > 0) parts.push(table([['attack', 'right', 'without the release'], ...attacks.map(({ attack, success, priorOnly }) => [attack, shown(success), shown(priorOnly)])]));
  if (attributes.length > 0) {
    const rows = attributes.map(({ attribute, success, priorOnly, onPlainText }) => [attribute, shown(success), shown(priorOnly), shown(onPlainText)]);
    parts.push(table([['attribute', 'right', 'most frequent value', 'from the plain text'], ...rows]));
  }
  if (deniability !== null) {
    const { types, staysItself, differentOutputs, draws } = deniability;
    parts.push(
      `a token stays itself with a chance of ${percent(staysItself.p05)} / ${percent(staysItself.p50)} / ${percent(staysItself.p95)}, and has ${differentOutputs.p05.toFixed(0)} / ` +
        `${differentOutputs.p50.toFixed(0)} / ${differentOutputs.p95.toFixed(0)} different outputs in ${draws} draws (5 %, 50 %, 95 % of ${types} token types)`,
    );
  }
  parts.push(`${tokens} tokens of ${texts} texts were attacked; intervals are of 95 %, over texts`);
  return parts.join('\n\n');
}
