// @ts-check
import { backbone } from './backbone.mjs';
import { minio } from './minio.mjs';
import { movieReviews } from './movie-reviews.mjs';
import { packages } from './packages.mjs';
import { temporal } from './temporal.mjs';
import { tensorflowBinding } from './tensorflow-binding.mjs';
import { tensorflowLibrary } from './tensorflow-library.mjs';
import { tensorflowLog } from './tensorflow-log.mjs';

/** @import { Component } from './component.mjs' */

/** The parts that set-up makes. The one that takes longest comes first.
 *  @type {readonly Component[]} */
export const COMPONENTS = [
  minio,
  tensorflowLibrary,
  temporal,
  backbone,
  movieReviews,
  tensorflowLog,
  tensorflowBinding,
];

/** The npm packages of a working copy, without which nothing else can run.
 *  @type {Component} */
export const PACKAGES = packages;
