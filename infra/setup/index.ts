/** Set-up: what Rapt needs on a machine, checked and put in place before any npm package is there. */
export { problemsOf, sentence, type Check } from './checks.mjs';
export { lastWords, runCommand } from './run-command.mjs';
export { libraryChoice } from './components/tensorflow-library.mjs';
export { DEVICE_VARIABLE, deviceName } from './device.mjs';
export { minioBinary } from './components/minio.mjs';
export { temporalBinary } from './components/temporal.mjs';
export { COMPONENTS } from './components/index.mjs';
export type { Component } from './components/component.mjs';
export { examine, missingOf, setUp, SetUpFailed } from './set-up.mjs';
export { brokenFiles } from './seals.mjs';
export { OLDEST_TEMPORAL } from './temporal-version.mjs';
export { runSetUp } from './run-set-up.mjs';
