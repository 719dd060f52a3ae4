export * from './activities.ts';
export * from './artifacts.ts';
export * from './config.ts';
export * from './errors.ts';
export * from './guarantee.ts';
export * from './names.ts';
export * from './progress.ts';
export * from './result.ts';
