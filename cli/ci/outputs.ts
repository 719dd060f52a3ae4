import type { AskedRun, Outcome } from './outcome.ts';

/** Lines "name=value", as GitHub reads the outputs of a step and GitLab a dotenv report. With a prefix, since GitLab
 *  makes them variables of later jobs. */
export function outputLines({ id }: AskedRun, { result, exitCode }: Outcome, report: string | null): string {
  const values = {
    run_id: id,
    passed: String(result !== null && exitCode === 0),
    accuracy: String(result?.metrics.test.accuracy ?? ''),
    adapter_uri: result?.adapter.uri ?? '',
    adapter_sha256: result?.adapter.sha256 ?? '',
    report: report ?? result?.report.path ?? '',
  };
  // A line break in a value would begin another output.
  return Object.entries(values)
    .map(([name, value]) => `rapt_${name}=${value.replaceAll(/[\r\n]+/g, ' ')}\n`)
    .join('');
}
