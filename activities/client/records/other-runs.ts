/** Earlier runs of the same client, to be seen beside a new one. */
import { canonicalJson, type OtherRun, type PlainBaseline, type TuningConfig } from '../../../contracts/index.ts';
import { runRecords } from './run-record.ts';

/** The newest run on plain text with the same data, backbone and tuning; null when there was none. */
export function findPlainBaseline(home: string, config: TuningConfig): PlainBaseline | null {
  const wanted = comparable(config);
  for (const { config: other, result } of runRecords(home, config.tenant))
    if (other.privacy.mechanism === 'none' && comparable(other) === wanted)
      return { run: result.workflowId, accuracy: result.metrics.test.accuracy };
  return null;
}

/** Reconstruction is a help against noise, so a plain run may go without it. */
function comparable({ data, backbone, tuning }: TuningConfig): string {
  const { reconstruction: _, checkpointEverySteps: __, keepCheckpoints: ___, ...trained } = tuning;
  return canonicalJson({ data, backbone, trained });
}

/** More would only make the drawing unreadable. */
const MOST_OTHERS = 20;

/** Finished runs whose texts were privatized on the same public table, the newest first. */
export function otherRuns(home: string, run: string, config: TuningConfig, table: string): OtherRun[] {
  const others: OtherRun[] = [];
  const data = canonicalJson(config.data);
  for (const { config: other, result } of runRecords(home, config.tenant)) {
    const {
      workflowId,
      metrics: { test },
      privacy: { mechanism, eta, unchangedRate, guarantee },
      audit,
    } = result;
    if (workflowId === run || guarantee.table.sha256 !== table) continue;
    const bayes = audit.attacks?.find(({ attack }) => attack === 'bayes')?.success ?? null;
    others.push({
      run: workflowId,
      mechanism,
      eta,
      unchangedRate,
      bayes,
      accuracy: test.accuracy,
      n: test.n,
      sameData: canonicalJson(other.data) === data,
    });
    if (others.length === MOST_OTHERS) break;
  }
  return others;
}
