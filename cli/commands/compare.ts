/** compare: finished runs side by side. */
import type { Command } from 'commander';
import { NOT_TOLD, rateWithRange } from '../../rapt/report/index.ts';
import { compareRuns, type ComparedPair, type ComparedRun, type Comparison } from '../comparison.ts';
import { duration, percentIfTold, print, printJson, table } from '../terminal/output.ts';

const DESCRIPTION =
  'finished runs side by side: what was set otherwise, what came of it, and whether that is more than chance';
const HELP =
  "\nTest rows that both runs answered are compared one by one, by McNemar's exact test, " +
  'where their labels are on this client; else the two accuracies are.\n' +
  'Example: rapt compare nightly nightly-eta10';

export function addTo(program: Command): void {
  program
    .command('compare')
    .description(DESCRIPTION)
    .argument('<id>', 'the run that the others are held against')
    .argument('<ids...>')
    .option('--tenant <name>', 'tenant of the runs; default: as this client knows the first one')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (id: string, ids: string[], { tenant, json }: { tenant?: string; json?: true }) => {
      const comparison = await compareRuns(tenant, [id, ...ids]);
      if (json) printJson(comparison);
      else print(inWords(comparison));
    });
}

const DIGEST_DIGITS = 12;

function inWords({ runs, settings, sharedRelease, differences }: Comparison): string {
  const row = (name: string, of: (run: ComparedRun) => string): string[] => [name, ...runs.map(of)];
  const attacks = [...new Set(runs.flatMap((run) => Object.keys(run.attacks)))];
  const results = table([
    row('', ({ workflowId }) => workflowId),
    row('accuracy', ({ accuracy: { value, low, high } }) =>
      value === null ? NOT_TOLD : rateWithRange({ value, low: low!, high: high! }),
    ),
    row('test texts', ({ accuracy: { n } }) => String(n)),
    row('majority rate', ({ majorityRate }) => percentIfTold(majorityRate)),
    row('macro F1', ({ f1 }) => f1?.toFixed(3) ?? NOT_TOLD),
    row('mechanism', ({ mechanism }) => mechanism),
    row('eta', ({ eta }) => String(eta ?? '-')),
    row('unchanged', ({ unchangedRate }) => percentIfTold(unchangedRate)),
    ...attacks.map((attack) =>
      row(`attack ${attack}`, (run) => (run.attacks[attack] === undefined ? '-' : percentIfTold(run.attacks[attack]))),
    ),
    row('tuned', ({ method }) => method),
    row('adapter', ({ adapter }) => adapter.slice(0, DIGEST_DIGITS)),
    row('release', ({ release }) => release.slice(0, DIGEST_DIGITS)),
    row('time', ({ seconds }) => duration(seconds)),
  ]);
  return [
    results,
    settingsInWords(settings),
    sharedRelease
      ? 'All of them used the same release: the texts left once.'
      : 'They used different releases; `rapt ledger` tells what each cost.',
    ...differences.map(sentence),
    ...(differences.length > 1
      ? [
          `Each of these ${differences.length} comparisons would look like more than chance one time in twenty ` +
            'where there is no difference.',
        ]
      : []),
  ].join('\n\n');
}

function sentence({ run, against, value, low, high, p, rows, unpaired, moreThanChance }: ComparedPair): string {
  const basis =
    rows === null
      ? `by the interval of two proportions, since the rows could not be paired: ${unpaired ?? ''}`
      : `by McNemar's exact test on the ${rows} texts that both answered, p = ${(p ?? 1).toPrecision(2)}`;
  return (
    `${run} against ${against}: ${signed(value)} points of accuracy (95 % interval ${signed(low)} to ` +
    `${signed(high)}), ${moreThanChance ? 'more than' : 'which may be'} chance, ${basis}.`
  );
}

function settingsInWords(settings: Comparison['settings']): string {
  if (settings === null)
    return 'What was set otherwise is not known here: the store keeps no configurations, since they name files.';
  const changed = Object.entries(settings).map(([name, values]) => [name, ...values.map(settingInWords)]);
  return changed.length === 0 ? 'All settings are the same.' : `Set otherwise:\n${table(changed)}`;
}

const settingInWords = (value: unknown): string =>
  value === null
    ? '-'
    : Array.isArray(value)
      ? value.join(' ') || 'none'
      : typeof value === 'string'
        ? value
        : JSON.stringify(value);
const signed = (share: number): string => `${share < 0 ? '-' : '+'}${(Math.abs(share) * 100).toFixed(1)}`;
