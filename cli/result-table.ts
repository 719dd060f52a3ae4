/** A finished run's result, for a terminal. */
import { baselinesOf, workflowPage, type ShownAttack, type TemporalUi, type TuningResult } from '../contracts/index.ts';
import {
  DRAWN_EARLIER,
  LEFT_IN_PLAIN,
  macroF1,
  NOT_TOLD,
  percent,
  percentIfTold,
  roundedGate,
  stayedThemselves,
  totalSeconds,
  verdict,
} from '../rapt/report/index.ts';
import { homeFolder } from '../system/index.ts';
import { green, print, red, table } from './terminal/output.ts';

export function printResult(result: TuningResult, ui: TemporalUi): void {
  print(resultTable(result, ui));
}

/** What is known of the run, a row each, and below it a line for each gate. */
export function resultTable(result: TuningResult, ui: TemporalUi): string {
  const coloured = (word: ReturnType<typeof verdict>): string => (word === 'passed' ? green : red)(word);
  const gates = result.gates.map((gate) => `gate ${roundedGate(gate)} ${coloured(verdict(gate))}`);
  return [table(rowsOf(result, ui)), ...gates].join('\n');
}

function rowsOf(result: TuningResult, ui: TemporalUi): (readonly [name: string, value: string])[] {
  const { workflowId, metrics, privacy, audit, adapter, release, report, resumed, timing, notes = [] } = result;
  const { accuracy, majorityRate, f1, n, reconstruction } = metrics.test;
  const rows: [name: string, value: string][] = [
    ['run', workflowId],
    ['accuracy', `${percentIfTold(accuracy)} of ${n} held-out texts (${macroF1(f1)})`],
  ];
  if (majorityRate !== undefined) rows.push(['majority rate', percent(majorityRate)]);
  if (reconstruction !== null)
    rows.push(['reconstruction', `${percent(reconstruction.accuracy)} of ${reconstruction.n} plain tokens`]);
  rows.push(['mechanism', mechanismOf(privacy)]);
  for (const one of audit.attacks ?? []) rows.push([`attack ${one.attack}`, gotBy(one)]);
  for (const note of notes) rows.push(['note', note]);
  rows.push(
    ['release', `${release.uri}${earlierPart(release)}`],
    ['adapter', adapter.uri],
    ['adapter sha256', adapter.sha256],
    ['report', report.path === '' ? report.uri : report.path],
  );
  if (resumed !== null) rows.push(['resumed', resumed]);
  const stages = Object.entries(timing).map(([stage, seconds]) => `${stage} ${seconds.toFixed(0)}`);
  rows.push(['time', `${totalSeconds(timing).toFixed(0)} s (${stages.join(', ')})`], ['client home', homeFolder()]);
  const page = workflowPage(ui, workflowId);
  if (page !== null) rows.push(['Temporal UI', page]);
  return rows;
}

const mechanismOf = ({ mechanism, eta, unchangedRate }: TuningResult['privacy']): string =>
  eta === null ? `${mechanism}: ${LEFT_IN_PLAIN}` : `${mechanism}, eta ${eta}; ${stayedThemselves(unchangedRate)}`;

/** What an attack got, beside what guessing blindly gets. */
function gotBy(attack: ShownAttack): string {
  if (attack.success === null) return `${NOT_TOLD}: too few texts`;
  const { withoutRelease, mostFrequent } = baselinesOf(attack);
  const without = withoutRelease === null ? '' : `${percentIfTold(withoutRelease.value)} without the release, `;
  const blind = `${percentIfTold(mostFrequent?.value)} by the most frequent alone`;
  return `${percent(attack.success.value)} of the tokens; ${without}${blind}`;
}

/** What of a release came from earlier ones. */
function earlierPart({ reused, takenOver }: TuningResult['release']): string {
  if (reused) return ` (${DRAWN_EARLIER})`;
  return takenOver === undefined ? '' : ` (${takenOver} rows as they were released before, which cost nothing)`;
}
