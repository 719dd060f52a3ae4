/** A run on one page of Markdown. Apart from the report, which comes with drawings and a model library: a job that only
 *  waits has neither. */
export { renderSummary, renderWithoutResult } from './markdown.ts';
