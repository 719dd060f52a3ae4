export { sparseCurve } from './curve.ts';
export { renderReport } from './report.ts';
export { frontierDrawing } from './frontier.ts';
