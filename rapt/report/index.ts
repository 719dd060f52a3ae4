/** A finished run, told: as a page, in Markdown at full length and on one page, and the words for a terminal and JUnit.
 *
 *  facts.ts has what is known of the run, computed once. words.ts has how numbers and attacks are said, gate-words.ts
 *  how gates are; sentences.ts and tables.ts have what the page and the Markdown share besides. page.ts (its parts in
 *  sections/, its look in style.ts), markdown.ts and summary.ts lay that out, and drawings/ draws it.
 *
 *  Only words and the one page of Markdown are loaded at once. The page and the full Markdown come with drawings and a
 *  model library, which a job that only waits for a run does not need: they are loaded when they are first made. */
import type { FrontierPoint, ReportData } from '../../contracts/index.ts';

export { totalSeconds } from './facts.ts';
export { exactGate, roundedGate, verdict } from './gate-words.ts';
export { sparseCurve } from './loss-curve.ts';
export { shareableConfig } from './shareable-config.ts';
export { renderSummary, renderWithoutResult } from './summary.ts';
export {
  BLIND_GUESSES_IN_SHORT,
  DRAWN_EARLIER,
  LEFT_IN_PLAIN,
  macroF1,
  NOT_TOLD,
  percent,
  percentIfTold,
  rateWithRange,
  stayedThemselves,
} from './words.ts';

/** One HTML page about a finished run: no script, no request, no file beside it. Equal data give equal bytes. */
export async function renderReport(data: ReportData): Promise<string> {
  const { renderPage } = await import('./page.ts');
  return renderPage(data);
}

/** The same in GitHub-flavoured Markdown. Equal data give equal bytes. */
export async function renderReportMarkdown(data: ReportData): Promise<string> {
  const { renderMarkdown } = await import('./markdown.ts');
  return renderMarkdown(data);
}

/** What a choice of eta keeps and what it gives away, as an SVG file. Equal points give equal bytes. */
export async function frontierDrawing(points: readonly FrontierPoint[]): Promise<string> {
  const { drawFrontier } = await import('./drawings/frontier.ts');
  return drawFrontier(points);
}
