/** The small table that the Temporal UI shows for a run. The UI's own server draws it, so the table reaches that server
 *  in the clear. It holds nothing of a text, and no name of a column or a file. */
import { baselinesOf, STAGES } from '../contracts/index.ts';
import type { AttackGot, RunProgress } from '../contracts/index.ts';
import { stagesDone } from './run-state.ts';

const BARS = '▁▂▃▄▅▆▇█';

/** Beside a figure the UI's column has room for some 25 bars, and does not break a line of them. */
const MOST_BARS = 20;

/** One bar for each value, as high as the value lies between the least and the greatest one. When there are many
 *  values, a bar stands for the mean of several in a row. */
export function sparkline(values: readonly number[]): string {
  const bars = Math.min(values.length, MOST_BARS);
  const shown = Array.from({ length: bars }, (_, bar) =>
    mean(values.slice(Math.floor((bar * values.length) / bars), Math.floor(((bar + 1) * values.length) / bars))),
  );
  const least = Math.min(...shown);
  const range = Math.max(...shown) - least;
  const barOf = (value: number): number =>
    range === 0 ? 0 : Math.round(((value - least) / range) * (BARS.length - 1));
  return shown.map((value) => BARS[barOf(value)]).join('');
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** "45 s", "12 min", "3 h 20 min". */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The table in Markdown, without rows about what has not begun yet. */
export function detailsTable(progress: RunProgress): string {
  const {
    stage,
    message,
    rowsPrivatized,
    rowsTotal,
    epoch,
    epochs,
    step,
    totalSteps,
    loss,
    losses,
    attacks,
    gates,
    report,
    reportLink,
  } = progress;
  const rows: [string, string | null][] = [
    ['stage', stage === 'done' ? 'done' : `${stage} (${stagesDone(stage) + 1} of ${STAGES.length - 1})`],
    [
      'now',
      progress.paused
        ? `paused; the update \`continue\`, or \`rapt continue\`, goes on. Until then: ${message}`
        : message,
    ],
    ['accuracy', progress.accuracy === null ? null : percent(progress.accuracy)],
    ['gates', gates === null ? null : `${gates.held} of ${gates.total} hold`],
    ['report', report === null ? null : reportLink === null ? `\`${report}\`` : `[open it](<${reportLink}>)`],
    ...attackRows(attacks),
    ['privatized', rowsTotal > 0 ? `${rowsPrivatized} of ${rowsTotal} rows` : null],
    [
      'epoch',
      totalSteps > 0 ? `${Math.min(epochs, Math.floor(epoch) + (step < totalSteps ? 1 : 0))} of ${epochs}` : null,
    ],
    ['step', totalSteps > 0 ? `${step} of ${totalSteps}` : null],
    ['loss', loss === null ? null : `${loss.toFixed(4)} ${sparkline(losses)}`],
    ['time left', progress.secondsLeft === null || progress.paused ? null : duration(progress.secondsLeft)],
    ['checkpoint', progress.checkpointStep === null ? null : `step ${progress.checkpointStep}`],
    ['resumed', progress.resumed],
  ];
  // The UI puts no space between the columns.
  const lines = rows.flatMap(([name, value]) => (value === null ? [] : [`| ${name}\u2003 | ${escapeCell(value)} |`]));
  return ['| | |', '|---|---|', ...lines].join('\n');
}

function attackRows(attacks: readonly AttackGot[]): [string, string][] {
  if (attacks.length === 0) return [];
  const without = attacks.some((got) => baselinesOf(got).withoutRelease !== null) ? 'without the release; ' : '';
  const rows = attacks.map((got): [string, string] => {
    if (got.success === null) return [got.attack, 'not told: too few texts'];
    const { withoutRelease, mostFrequent } = baselinesOf(got);
    const blind = [...(withoutRelease === null ? [] : [withoutRelease]), mostFrequent]
      .map((share) => (share === null ? 'not told' : percent(share)))
      .join('; ');
    return [got.attack, `${percent(got.success)} (${blind})`];
  });
  return [['attacks get', `of the tokens (${without}by the most frequent token alone):`], ...rows];
}

const escapeCell = (text: string): string => text.replace(/\s*\n\s*/g, ' ').replaceAll('|', '\\|');
