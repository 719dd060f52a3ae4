export { COMPONENTS, minioBinary, temporalBinary, type Component } from './components/index.ts';
export { missingOf, setUp } from './set-up.ts';
export { findOnPath, hasProgram, missingPrograms, type Program } from './programs.ts';
