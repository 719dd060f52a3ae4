/** How gates are said: what was found, what it was held against, and whether it passed. Page, Markdown, terminal
 *  and JUnit take their words from here. Workflows, which may not import this room, have workflows/details.ts. */
import type { GateResult } from '../../contracts/index.ts';
import { NOT_TOLD, number } from './words.ts';

/** Of a gate whose outcome only the owner's machine has. */
const GATE_NOT_TOLD = 'shown only on the machine that holds the texts';

/** Whether one gate passed. A gate without a value is missed. */
export const verdict = ({ passed }: Pick<GateResult, 'passed'>): 'passed' | 'missed' =>
  passed === true ? 'passed' : 'missed';

/** A gate's outcome in words. */
export interface GateWords {
  /** Its value, or why it has none. */
  readonly found: string;
  /** Null where there was nothing to hold the value against. */
  readonly bound: string | null;
  /** The run that the bound comes from; null when the condition is a number. */
  readonly baseline: { readonly run: string; readonly value: string } | null;
}

/** @param written is how its numbers are written.
 *  @param notTold is said where only the owner's record has the outcome. */
export function gateInWords(
  { value, passed, bound, baseline, reason }: GateResult,
  written: (value: number) => string = number,
  notTold: string = NOT_TOLD,
): GateWords {
  const lacking = reason ?? (passed === null ? notTold : 'not measured');
  return {
    found: value === null ? lacking : written(value),
    bound: bound === undefined ? null : written(bound),
    baseline: baseline === undefined ? null : { run: baseline.run, value: written(baseline.value) },
  };
}

/** "accuracy>=baseline-0.01: 0.6570 (bound 0.6700: run main-1 had 0.6800)" */
export function roundedGate(gate: GateResult): string {
  const { found, bound, baseline } = gateInWords(gate, (value) => value.toFixed(4), GATE_NOT_TOLD);
  const against =
    baseline === null || bound === null ? '' : ` (bound ${bound}: run ${baseline.run} had ${baseline.value})`;
  return `${gate.gate}: ${found}${against}`;
}

/** With every digit: "accuracy>=baseline-0.01: measured 0.657, bound 0.67 (run main-1 had 0.68)" */
export function exactGate(gate: GateResult): string {
  const { found, bound, baseline } = gateInWords(gate, String, GATE_NOT_TOLD);
  const measured = gate.value === null ? found : `measured ${found}`;
  const against = bound === null ? '' : `, bound ${bound}`;
  const reference = baseline === null ? '' : ` (run ${baseline.run} had ${baseline.value})`;
  return `${gate.gate}: ${measured}${against}${reference}`;
}

/** How a gate that does not fail is spoken of, and how several are. */
const HOLD = { holds: 'hold', passed: 'passed' } as const;

/** All gates in one phrase: "✓ the gate holds", "✓ all 2 gates hold", "✗ 1 of 2 gates missed".
 *  @param of how many gates there are; at least one. */
export function gatesTogether(missed: number, of: number, held: keyof typeof HOLD): string {
  if (missed > 0) return `✗ ${missed} of ${of} gates missed`;
  return of === 1 ? `✓ the gate ${held}` : `✓ all ${of} gates ${HOLD[held]}`;
}
