/** Where everything lies in a release's folder: the manifest and the shards, which leave, and the private folder, which
 *  never does. */
import { join } from 'node:path';
import type { Sha256 } from '../../contracts/index.ts';
import type { Split } from '../data/index.ts';

export const privateFolder = (folder: string): string => join(folder, 'private');

export const shardFile = (split: Split, index: number): string => `${split}-${String(index).padStart(5, '0')}.parquet`;

export const recordsFolder = (folder: string): string => join(privateFolder(folder), 'shards');
/** What the client remembers of a shard. */
export const recordFile = (folder: string, shard: Sha256): string => join(recordsFolder(folder), `${shard}.json`);

/** By which a later release finds the rows of a shard. */
export const digestsFile = (folder: string, shard: Sha256): string =>
  join(privateFolder(folder), 'rows', `${shard}.bin`);

/** From which earlier releases rows are taken over. */
export const choiceFile = (folder: string): string => join(privateFolder(folder), 'takes-over.json');

export const testLabelsFile = (folder: string): string => join(privateFolder(folder), 'test-labels.parquet');

/** While a release is drawn: what the sampler makes of its tokens, for the attempts after this one. */
export const tablesFolder = (folder: string): string => join(privateFolder(folder), 'tables');
