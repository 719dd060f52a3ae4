/** What leaves of what a run measured: one function for each activity. The owner's figures go in, and what may be told
 *  comes out. */
import type {
  AuditResult,
  AttributeResult,
  GateResult,
  LocalRelease,
  OwnRelease,
  Rate,
  ReleasedAudit,
  ReleasedMetrics,
  TestMetrics,
} from '../../contracts/index.ts';
import { gateValues, toldRate, toldShare, tooFewRows, tooFewTexts, type GateValues } from '../evaluation/index.ts';
import { openRelease } from '../release/index.ts';
import type { ToldEvaluation } from './grade.ts';

interface Size {
  readonly texts: number;
  readonly tokens: number;
}

/** The share of all tokens that stayed themselves; null where it is not told. */
export const toldUnchanged = (rate: number, size: Size): number | null =>
  tooFewTexts(size) === null ? toldShare(rate, size.texts) : null;

/** What leaves of `privatize`. @param folder of the release on this client. */
export async function releasedRelease(
  folder: string,
  { unchangedRate: _, ...local }: OwnRelease | LocalRelease,
): Promise<LocalRelease> {
  const found = await openRelease(folder);
  return {
    ...local,
    unchangedRate: found === null ? null : toldUnchanged(found.unchangedRate, sizeOf(found.manifest)),
  };
}

export const sizeOf = ({
  rows,
  tokens,
}: {
  readonly rows: { readonly train: number; readonly test: number };
  readonly tokens: number;
}): Size => ({ texts: rows.train + rows.test, tokens });

/** What leaves of `audit`: nothing of attributes, which are columns of the owner. */
export function releasedAudit({ texts, tokens, attacks, deniability }: AuditResult): ReleasedAudit {
  const told = (rate: Rate): Rate | null => (tooFewTexts({ texts, tokens }) === null ? toldRate(rate, texts) : null);
  return {
    texts,
    tokens,
    deniability,
    attacks: attacks.map(({ attack, success, priorOnly, mostFrequent, n }) => ({
      attack,
      success: told(success),
      priorOnly: told(priorOnly),
      ...(mostFrequent !== undefined && { mostFrequent: told(mostFrequent) }),
      n,
    })),
  };
}

/** What leaves of `score`. @param reconstruction as the provider measured it. */
export const releasedMetrics = (
  { accuracy, f1 }: ToldEvaluation,
  n: number,
  reconstruction: TestMetrics['reconstruction'],
): ReleasedMetrics => ({ accuracy: accuracy.value, f1: f1.value, n, reconstruction });

/** What leaves of `score` on gates: no reasons, and of attributes only that there is such a gate, which the settings
 *  say. Whether it is met is not told either: whoever may change the settings on their way could put many gates on one
 *  attribute, and would read its value from those that are met. */
export const releasedGates = (gates: readonly GateResult[]): GateResult[] =>
  gates.map(({ reason: _, ...gate }) => (isOfAttribute(gate) ? { gate: gate.gate, value: null, passed: null } : gate));

const isOfAttribute = ({ gate }: Pick<GateResult, 'gate'>): boolean => gate.startsWith('attribute.');

/** The values that gates compare: the told ones, which are rounded or noisy. The exact value would reveal which side of
 *  the bound it lies on, and whoever sets the bounds could search for it. A gate on the told value reveals nothing new.
 *  @param attributes judged by the same steps; the outcome stays here. */
export function judgedValues(
  told: { readonly test: ReleasedMetrics; readonly unchangedRate: number | null; readonly audit: ReleasedAudit | null },
  attributes: readonly AttributeResult[],
): GateValues {
  const judged = attributes
    .filter(({ n }) => tooFewRows(n) === null)
    .map((one) => ({ ...one, success: toldRate(one.success, one.n) }));
  return gateValues({ ...told, audit: told.audit === null ? null : { ...told.audit, attributes: judged } });
}

/** Why metrics have no value, by their names. */
export function whyNotTold({
  graded,
  audit,
  size,
}: {
  readonly graded: ToldEvaluation;
  readonly audit: AuditResult | null;
  readonly size: Size;
}): Record<string, string> {
  const ofTexts = tooFewTexts(size);
  const ofAttacks = audit === null ? null : tooFewTexts(audit);
  const reasons: [string, string | null][] = [
    ['accuracy', graded.accuracy.reason],
    ['f1', graded.f1.reason],
    ['unchangedRate', ofTexts],
    ...(audit?.attacks ?? []).map(({ attack }): [string, string | null] => [attack, ofAttacks]),
    ...(audit?.attributes ?? []).map(({ attribute, n }): [string, string | null] => [
      `attribute.${attribute}`,
      tooFewRows(n),
    ]),
  ];
  return Object.fromEntries(reasons.flatMap(([metric, reason]) => (reason === null ? [] : [[metric, reason]])));
}
