import { backbone } from './backbone.ts';
import type { Component } from './component.ts';
import { minio } from './minio.ts';
import { movieReviews } from './movie-reviews.ts';
import { temporal } from './temporal.ts';
import { tensorflowBinding } from './tensorflow-binding.ts';
import { tensorflowLibrary } from './tensorflow-library.ts';

export type { Component } from './component.ts';
export { minioBinary } from './minio.ts';
export { temporalBinary } from './temporal.ts';

/** In the order in which they are made: small downloads first. */
export const COMPONENTS: readonly Component[] = [temporal, backbone, movieReviews, minio, tensorflowLibrary, tensorflowBinding];
