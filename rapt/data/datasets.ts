import { join } from 'node:path';
import { BUILT_IN_DATASETS } from '../../contracts/index.ts';
import type { DataConfig } from '../../contracts/index.ts';
import { cacheFolder } from '../cache.ts';
import { hasLabels } from './labelled.ts';
import { testSplitsOf } from './parts.ts';
import { tableAddress } from './source.ts';

export type Split = 'train' | 'test';
export const SPLITS: readonly Split[] = ['train', 'test'];

/** Turns the name of a table in a configuration into a file's absolute path. */
export type ResolveDataset = (name: string, split: Split) => string;

/** The files of a run. `test` is null when the test rows are held out of the training table. */
export interface Tables {
  readonly train: string;
  readonly test: string | null;
  /** A folder's own test split, when it has no labels; `test` is then another split or null. */
  readonly unlabelledTest?: string;
  /** Numbers of rows that stay in training although the split would hold them out. Each has a class that no other
   *  training row has. */
  readonly keptInTraining?: ReadonlySet<number>;
}

export const isBuiltIn = (name: string): boolean => (BUILT_IN_DATASETS as readonly string[]).includes(name);

/** Where a table lies. A built-in data set lies in the cache, where set-up put it; any other path is made absolute, and
 *  an address stays as it is. */
export function resolveDataset(name: string, split: Split = 'train'): string {
  if (!isBuiltIn(name)) return tableAddress(name);
  return join(cacheFolder(), 'datasets', name, `${split}.tsv`);
}

/** The tables that a run trains and tests on. Without a test table in the configuration, a built-in data set is tested
 *  on its own, and a data set's folder on its test split. If that split has no labels, the validation split takes its
 *  place.
 *  @throws BadInput when there is no such table. */
export async function resolveTables(data: DataConfig, dataset: ResolveDataset = resolveDataset): Promise<Tables> {
  const train = dataset(data.train, 'train');
  if (data.test !== undefined) return { train, test: dataset(data.test, 'test') };
  if (isBuiltIn(data.train)) return { train, test: dataset(data.train, 'test') };
  const { test, instead } = await testSplitsOf(train);
  if (test === null || (await hasLabels(test, train, data.labelColumn))) return { train, test };
  for (const other of instead)
    if (await hasLabels(other, train, data.labelColumn)) return { train, test: other, unlabelledTest: test };
  return { train, test: null, unlabelledTest: test };
}
