/** The table or folder that a new rule of the policy is for, and whether it has the columns. */
import { BadInput, type InputProblem } from '../../contracts/index.ts';
import {
  checkColumns,
  formatOf,
  isAddress,
  isBuiltIn,
  partsOf,
  resolveDataset,
  sourceOf,
  splitApart,
  type WantedColumn,
} from '../../rapt/data/index.ts';
import { placeOf, unknownName, type Policy } from '../../rapt/policy/index.ts';
import { datasetAddress } from '../options/config-paths.ts';

interface PlaceToAllow {
  /** As a rule has it. */
  readonly table: string;
  /** The table whose columns are checked; null for a folder of several tables, which may have different columns. */
  readonly head: string | null;
}

/** @throws BadInput when there is no such table or folder. */
export async function placeToAllow(policy: Policy, named: string): Promise<PlaceToAllow> {
  const refuse = (problem: string): never => {
    throw new BadInput([{ where: named, problem }]);
  };
  const unknown = unknownName(policy, named);
  if (unknown !== null) return refuse(unknown);
  const place = placeOf(policy, named);
  if (isBuiltIn(place)) {
    const file = resolveDataset(place);
    return { table: place, head: (await sourceOf(file).stat(file)) === null ? null : file };
  }
  const address = datasetAddress(place);
  const isFolder = place.endsWith('/');
  const found = await sourceOf(address).stat(address);
  if (isFolder && !isAddress(address) && found?.kind === 'file')
    return refuse('is a file; leave out the slash at its end');
  // In a bucket, a folder exists before anything lies in it.
  if (isFolder && (found !== null || isAddress(address))) return { table: asFolder(address), head: null };
  if (found?.kind === 'folder') return { table: asFolder(address), head: (await isOneTable(address)) ? address : null };
  if (found !== null) return { table: address, head: address };
  const folder = splitApart(address)?.folder ?? '';
  if (folder !== '' && (await sourceOf(folder).stat(folder))?.kind === 'folder')
    return { table: asFolder(folder), head: address };
  return refuse('does not exist; name a table, a folder, or with a slash at its end a part of a bucket');
}

const asFolder = (address: string): string => `${address.replace(/\/+$/, '')}/`;

/** Whether a folder holds one data set, and not several unrelated tables. */
async function isOneTable(folder: string): Promise<boolean> {
  const files = await sourceOf(folder).list(folder);
  if (files.some((file) => DESCRIPTIONS.some((name) => file === `${asFolder(folder)}${name}`))) return true;
  const parts = await partsOf(folder).catch((error: unknown) => {
    if (error instanceof BadInput) return [];
    throw error;
  });
  return parts.length === 1;
}

const DESCRIPTIONS: readonly string[] = ['README.md', 'dataset_dict.json'];

/** What is wrong with the columns. Only the table's head is read. @throws BadInput when it cannot be read. */
export async function columnProblems(address: string, wanted: readonly WantedColumn[]): Promise<InputProblem[]> {
  if (wanted.length === 0) return [];
  const problems = checkColumns(address, await (await formatOf(address)).columns(address), wanted, { list: true });
  if ((await sourceOf(address).stat(address))?.kind !== 'folder') return problems;
  const wayOut = `, or write ${address}/ to allow tables of any columns below it`;
  return problems.map(({ where, problem }) => ({ where, problem: problem + wayOut }));
}
