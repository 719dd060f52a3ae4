/** What attacks on a release got, for a terminal. */
import { baselinesOf, type AuditResult } from '../contracts/index.ts';
import { BLIND_GUESSES_IN_SHORT, percent, rateWithRange } from '../rapt/report/index.ts';
import { table } from './terminal/output.ts';

export function auditTables(audit: AuditResult): string {
  const { texts, tokens, attacks, attributes, deniability } = audit;
  const parts: string[] = [];
  if (attacks.length > 0) parts.push(attackTable(audit), BLIND_GUESSES_IN_SHORT);
  if (attributes.length > 0) parts.push(attributeTable(audit));
  if (deniability !== null) parts.push(deniabilitySentence(deniability));
  parts.push(`${tokens} tokens of ${texts} texts were attacked; intervals are of 95 %, over texts`);
  return parts.join('\n\n');
}

function attackTable({ attacks }: AuditResult): string {
  const rows = attacks.map((one) => {
    const { withoutRelease, mostFrequent } = baselinesOf(one);
    const without = withoutRelease === null ? '–' : rateWithRange(withoutRelease);
    return [one.attack, rateWithRange(one.success), without, rateWithRange(mostFrequent)];
  });
  return table([['attack', 'right', 'without the release', 'most frequent token'], ...rows]);
}

function attributeTable({ attributes }: AuditResult): string {
  const rows = attributes.map(({ attribute, success, priorOnly, onPlainText }) => [
    attribute,
    rateWithRange(success),
    rateWithRange(priorOnly),
    rateWithRange(onPlainText),
  ]);
  return table([['attribute', 'right', 'most frequent value given', 'from the plain text'], ...rows]);
}

function deniabilitySentence(measured: NonNullable<AuditResult['deniability']>): string {
  const { types, staysItself, differentOutputs, draws } = measured;
  const stays = [staysItself.p05, staysItself.p50, staysItself.p95].map(percent).join(' / ');
  const outputs = [differentOutputs.p05, differentOutputs.p50, differentOutputs.p95]
    .map((value) => value.toFixed(0))
    .join(' / ');
  return (
    `a token stays itself with a chance of ${stays}, and has ${outputs} different outputs in ${draws} draws ` +
    `(5 %, 50 %, 95 % of ${types} tokens of the public vocabulary)`
  );
}
