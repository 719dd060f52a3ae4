/** The small table that the Temporal UI shows for a run. */
import { STAGES } from '../contracts/index.ts';
import type { RunProgress } from '../contracts/index.ts';
import { stagesDone } from './run-state.ts';

const BARS = '▁▂▃▄▅▆▇█';

/** One bar for each value between the least and the greatest of them. */
export function sparkline(values: readonly number[]): string {
  const least = Math.min(...values);
  const range = Math.max(...values) - least;
  const barOf = (value: number): number => (range === 0 ? 0 : Math.round(((value - least) / range) * (BARS.length - 1)));
  return values.map((value) => BARS[barOf(value)]).join('');
}

/** "45 s", "12 min", "3 h 20 min". */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Markdown. Rows about what has not begun yet are left out. */
export function detailsTable(progress: RunProgress): string {
  const { stage, message, rowsPrivatized, rowsTotal, epoch, epochs, step, totalSteps, loss, losses } = progress;
  const rows: [string, string | null][] = [
    ['stage', stage === 'done' ? 'done' : `${stage} (${stagesDone(stage) + 1} of ${STAGES.length - 1})`],
    ['now', progress.paused ? `paused; \`rapt continue\` goes on. Until then: ${message}` : message],
    ['rows privatized', rowsTotal > 0 ? `${rowsPrivatized} of ${rowsTotal}` : null],
    ['epoch', totalSteps > 0 ? `${Math.min(epochs, Math.floor(epoch) + (step < totalSteps ? 1 : 0))} of ${epochs}` : null],
    ['step', totalSteps > 0 ? `${step} of ${totalSteps}` : null],
    ['loss', loss === null ? null : `${loss.toFixed(4)} ${sparkline(losses)}`],
    ['time left', progress.secondsLeft === null ? null : duration(progress.secondsLeft)],
    ['checkpoint', progress.checkpointStep === null ? null : `step ${progress.checkpointStep}`],
    ['resumed', progress.resumed],
    ['accuracy', progress.accuracy === null ? null : progress.accuracy.toFixed(4)],
    ['report', progress.report === null ? null : `\`${progress.report}\``],
  ];
  const lines = rows.flatMap(([name, value]) => (value === null ? [] : [`| ${name} | ${escapeCell(value)} |`]));
  return ['| | |', '|---|---|', ...lines].join('\n');
}

const escapeCell = (text: string): string => text.replace(/\s*\n\s*/g, ' ').replaceAll('|', '\\|');
