/** The process in which models run, as the GPU worker that starts it uses it. */
export { createModelHost, MODEL_PROCESS_FILE, type ModelHost } from './model-host.ts';
export type { FromModelProcess } from './protocol.ts';
