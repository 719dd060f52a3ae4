export { sparseCurve } from './curve.ts';
export { frontierDrawing } from './frontier.ts';
export { renderReportMarkdown } from './markdown.ts';
export { renderReport } from './report.ts';
export { shareableConfig } from './settings.ts';
