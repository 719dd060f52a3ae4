import { join, resolve } from 'node:path';
import { BUILT_IN_DATASETS } from '../../contracts/index.ts';
import type { DataConfig } from '../../contracts/index.ts';
import { cacheFolder } from '../cache.ts';

export type Split = 'train' | 'test';
export const SPLITS: readonly Split[] = ['train', 'test'];

/** Turns what a configuration says into a file's absolute path. */
export type ResolveDataset = (name: string, split: Split) => string;

/** The files of a run. `test` is null when the test rows are held out of the training table. */
export interface Tables {
  readonly train: string;
  readonly test: string | null;
}

const isBuiltIn = (name: string): boolean => (BUILT_IN_DATASETS as readonly string[]).includes(name);

/** A built-in data set's table in the cache (put there by set-up), else the path made absolute. Default split: train. */
export function resolveDataset(name: string, split: Split = 'train'): string {
  if (!isBuiltIn(name)) return resolve(name);
  return join(cacheFolder(), 'datasets', name, `${split}.tsv`);
}

/** A built-in data set brings its own test table. */
export function resolveTables(data: DataConfig, dataset: ResolveDataset = resolveDataset): Tables {
  const test = data.test ?? (isBuiltIn(data.train) ? data.train : undefined);
  return { train: dataset(data.train, 'train'), test: test === undefined ? null : dataset(test, 'test') };
}
