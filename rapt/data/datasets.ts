import { join } from 'node:path';
import { BUILT_IN_DATASETS } from '../../contracts/index.ts';
import type { DataConfig } from '../../contracts/index.ts';
import { cacheFolder } from '../cache.ts';
import { testSplitOf } from './parts.ts';
import { tableAddress } from './source.ts';

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

/** A built-in data set's table in the cache (put there by set-up), else the path made absolute, or the address as it is. Default split: train. */
export function resolveDataset(name: string, split: Split = 'train'): string {
  if (!isBuiltIn(name)) return tableAddress(name);
  return join(cacheFolder(), 'datasets', name, `${split}.tsv`);
}

/** A built-in data set brings its own test table, and a data set's folder its test split. @throws BadInput when there is no such table. */
export async function resolveTables(data: DataConfig, dataset: ResolveDataset = resolveDataset): Promise<Tables> {
  const train = dataset(data.train, 'train');
  if (data.test !== undefined) return { train, test: dataset(data.test, 'test') };
  return { train, test: isBuiltIn(data.train) ? dataset(data.train, 'test') : await testSplitOf(train) };
}
