/** A finished run's result, for a terminal. */
import { baselinesOf, type TuningResult } from '../contracts/index.ts';
import { homeFolder } from '../system/index.ts';
import { green, percent, percentIfTold, print, red, table } from './terminal/output.ts';

/** Of a gate whose outcome the owner's record alone has. */
export const NOT_TOLD_HERE = 'told on the machine alone that has the texts';

export function printResult(
  { workflowId, metrics, privacy, audit, gates, adapter, release, report, resumed, timing, notes = [] }: TuningResult,
  uiUrl: string | null,
): void {
  const { accuracy, majorityRate, f1, n, reconstruction } = metrics.test;
  const seconds = Object.values(timing).reduce((sum, part) => sum + part, 0);
  const rows: [string, string][] = [
    ['run', workflowId],
    ['accuracy', `${percentIfTold(accuracy)} of ${n} held-out texts (macro F1 ${f1?.toFixed(3) ?? 'not told'})`],
    ...(majorityRate === undefined ? [] : [['majority rate', percent(majorityRate)] as [string, string]]),
    ...(reconstruction === null
      ? []
      : [
          ['reconstruction', `${percent(reconstruction.accuracy)} of ${reconstruction.n} plain tokens`] as [
            string,
            string,
          ],
        ]),
    [
      'mechanism',
      privacy.eta === null
        ? `${privacy.mechanism}: the texts left in plain tokens`
        : `${privacy.mechanism}, eta ${privacy.eta}; ${percentIfTold(privacy.unchangedRate)} of the tokens stayed ` +
          'themselves',
    ],
    ...(audit.attacks ?? []).map((one): [string, string] => {
      const { withoutRelease, mostFrequent } = baselinesOf(one);
      const without = withoutRelease === null ? '' : `${percentIfTold(withoutRelease.value)} without the release, `;
      const blind = `${without}${percentIfTold(mostFrequent?.value)} by the most frequent alone`;
      return [
        `attack ${one.attack}`,
        one.success === null ? 'not told: too few texts' : `${percent(one.success.value)} of the tokens; ${blind}`,
      ];
    }),
    ...notes.map((note): [string, string] => ['note', note]),
    [
      'release',
      `${release.uri}${
        release.reused
          ? ' (drawn by an earlier run; ' + 'nothing was spent again)'
          : release.takenOver === undefined
            ? ''
            : ` (${release.takenOver} rows as they were ` + 'released before, which cost nothing)'
      }`,
    ],
    ['adapter', adapter.uri],
    ['adapter sha256', adapter.sha256],
    ['report', report.path === '' ? report.uri : report.path],
    ...(resumed === null ? [] : [['resumed', resumed] as [string, string]]),
    [
      'time',
      `${seconds.toFixed(0)} s (${Object.entries(timing)
        .map(([stage, part]) => `${stage} ${part.toFixed(0)}`)
        .join(', ')})`,
    ],
    ['client home', homeFolder()],
    ...(uiUrl === null
      ? []
      : [
          ['Temporal UI', `${uiUrl}/namespaces/default/workflows/${encodeURIComponent(workflowId)}`] as [
            string,
            string,
          ],
        ]),
  ];
  print(table(rows));
  for (const { gate, value, passed, bound, baseline, reason } of gates) {
    const against =
      baseline === undefined || bound === undefined
        ? ''
        : ` (bound ${bound.toFixed(4)}: run ${baseline.run} had ${baseline.value.toFixed(4)})`;
    const found = value === null ? (reason ?? (passed === null ? NOT_TOLD_HERE : 'not measured')) : value.toFixed(4);
    print(`gate ${gate}: ${found}${against} ${passed === true ? green('passed') : red('missed')}`);
  }
}
