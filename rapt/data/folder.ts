/** A data set's folder in one of the three forms that Hugging Face knows: a README.md whose head names configurations
 *  and their files, one folder for each split as `save_to_disk` writes it, or files that are named by their splits.
 *  Source: "Structure your repository" and "Manual configuration" in the hub's documentation of datasets. */
import { text } from 'node:stream/consumers';
import picomatch from 'picomatch';
import { parse } from 'yaml';
import { z } from 'zod';
import { BadInput } from '../../contracts/index.ts';
import { parseJson } from '../json.ts';
import { tablesAmong } from './formats/index.ts';
import { sourceOf } from './source.ts';

/** Files of each split, by the split's name. */
type Splits = ReadonlyMap<string, readonly string[]>;

interface DatasetFolder {
  /** The splits of each configuration, by its name. */
  readonly configs: ReadonlyMap<string, Splits>;
  /** The configuration that is read when the user names none. Null when there are several, and the folder does not say
   *  which of them is the default. */
  readonly defaultConfig: string | null;
}

/** Words in the name of a file or folder that tell its split, in the order in which they are looked for. */
const SPLIT_WORDS: Readonly<Record<string, readonly string[]>> = {
  train: ['train', 'training'],
  validation: ['validation', 'valid', 'dev', 'val'],
  test: ['test', 'testing', 'eval', 'evaluation'],
};
/** Splits that are tested on when the user names none, the likeliest first. */
const TEST_SPLITS = ['test', 'validation'];
/** Names of splits that can take the place of a test split that has no labels, the likeliest first. */
const INSTEAD_OF_TEST = [/^validation$/, /^(valid|val|dev)$/, /^(validation|valid|val|dev)[-_.](?!mismatched)/];

const NO_TABLES = "is not a file, nor a data set's folder: no .csv, .tsv, .jsonl, .parquet or .arrow lies in it";

const paths = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (typeof value === 'string' ? [value] : value));
const headSchema = z.looseObject({
  configs: z
    .array(
      z.looseObject({
        config_name: z.string().default('default'),
        default: z.boolean().default(false),
        data_dir: z.string().optional(),
        data_files: z
          .union([
            z.array(z.looseObject({ split: z.string().default('train'), path: paths })),
            paths.transform((path) => [{ split: 'train', path }]),
            z
              .record(z.string(), paths)
              .transform((splits) => Object.entries(splits).map(([split, path]) => ({ split, path }))),
          ])
          .optional(),
      }),
    )
    .optional(),
});

/** A configuration in a README's head. */
type NamedConfig = NonNullable<z.output<typeof headSchema>['configs']>[number];

/** @throws BadInput when the README's head cannot be understood, or no table lies in the folder. */
async function readDatasetFolder(folder: string): Promise<DatasetFolder> {
  const base = folder.endsWith('/') ? folder : `${folder}/`;
  const files = (await sourceOf(folder).list(folder))
    .map((file) => file.slice(base.length))
    .filter((file) => !/(^|\/)[._]/.test(file));
  const address = (file: string): string => base + file;
  const tables = tablesAmong(files).sort();
  if (tables.length === 0) throw new BadInput([{ where: folder, problem: NO_TABLES }]);
  const named = files.includes('README.md') ? await configsOf(address('README.md')) : [];
  const configs = new Map<string, Splits>();
  for (const config of named) {
    const splits = splitsOfConfig(config, tables);
    for (const [split, found] of splits)
      if (found.length === 0) {
        const where = `${address('README.md')}, configs, ${config.config_name}, ${split}`;
        throw new BadInput([{ where, problem: 'names files that are not in the folder' }]);
      }
    configs.set(config.config_name, mapped(splits, address));
  }
  if (configs.size === 0) {
    const saved = files.includes('dataset_dict.json') ? await savedSplits(address('dataset_dict.json')) : [];
    configs.set('default', mapped(saved.length > 0 ? byFolder(saved, tables) : bySplitName(tables, ''), address));
  }
  return { configs, defaultConfig: defaultOf(configs, named) };
}

/** The configuration that says it is the default, else the one of that name, else the only one. */
function defaultOf(configs: ReadonlyMap<string, Splits>, named: readonly NamedConfig[]): string | null {
  const marked = named.find((config) => config.default);
  if (marked !== undefined) return marked.config_name;
  if (configs.has('default')) return 'default';
  return configs.size === 1 ? [...configs.keys()][0]! : null;
}

/** The files of each split of a configuration in a README's head: by its patterns, else by their names. */
function splitsOfConfig({ data_dir, data_files }: NamedConfig, tables: readonly string[]): Map<string, string[]> {
  const inside = data_dir === undefined ? '' : `${data_dir.replace(/^\.?\/|\/$/g, '')}/`;
  const within = tables.filter((file) => file.startsWith(inside));
  if (data_files === undefined) return bySplitName(within, inside);
  const fromFolder = (pattern: string): string => inside + pattern.replace(/^\.?\//, '');
  return new Map(data_files.map(({ split, path }) => [split, matching(within, path.map(fromFolder))]));
}

export interface SelectedSplits {
  readonly train: readonly string[];
  /** The selection of the configuration's own test split; null when it has none. */
  readonly test: string | null;
  /** Selections of the splits that can take its place if it has no labels, the likeliest first. */
  readonly insteadOfTest: readonly string[];
}

/** The files of one configuration and split of a folder.
 *  @param selection "config", "split", "config/split", or empty.
 *  @throws BadInput when the folder has no such configuration or split. */
export async function selectSplits(folder: string, selection: string): Promise<SelectedSplits> {
  const where = selection === '' ? folder : `${folder}#${selection}`;
  const { configs, defaultConfig } = await readDatasetFolder(folder);
  const [first = '', second] = selection.split('/');
  const config = configs.has(first) ? first : second === undefined ? defaultConfig : first;
  const split = second ?? (configs.has(first) || first === '' ? undefined : first);
  if (config === null)
    throw new BadInput([
      { where, problem: `has ${configs.size} configurations and no default; name one, as in FOLDER#NAME` },
    ]);
  const splits = configs.get(config);
  const chosen =
    splits?.get(split ?? 'train') ?? (split === undefined && splits?.size === 1 ? [...splits.values()][0] : undefined);
  if (splits === undefined || chosen === undefined)
    throw new BadInput([
      {
        where,
        problem:
          split === undefined
            ? 'has no split "train"; name another, as in FOLDER#SPLIT'
            : 'has no such configuration or split',
      },
    ]);
  const others = [...splits.keys()].filter((name) => splits.get(name) !== chosen);
  const selecting = (name: string): string => (configs.has(first) || configs.has(name) ? `${config}/${name}` : name);
  const test = TEST_SPLITS.find((name) => others.includes(name));
  const instead = INSTEAD_OF_TEST.flatMap((pattern) =>
    others.filter((name) => name !== test && pattern.test(name)).sort(),
  );
  return { train: chosen, test: test === undefined ? null : selecting(test), insteadOfTest: instead.map(selecting) };
}

/** The configurations that a README's head names. */
async function configsOf(readme: string): Promise<readonly NamedConfig[]> {
  const [, head] = /^---\r?\n(.*?)\r?\n---\s*(?:\r?\n|$)/s.exec(await textOf(readme)) ?? [];
  if (head === undefined) return [];
  let value: unknown;
  try {
    value = parse(head);
  } catch {
    throw new BadInput([{ where: readme, problem: 'has a head that is not YAML' }]);
  }
  const parsed = headSchema.safeParse(value ?? {});
  if (!parsed.success)
    throw new BadInput(
      parsed.error.issues.map(({ path }) => ({
        where: `${readme}, ${path.join('.')}`,
        problem: 'is not as Hugging Face has it',
      })),
    );
  return parsed.data.configs ?? [];
}

/** The names of the splits that `save_to_disk` wrote, each into a folder of its own. */
async function savedSplits(file: string): Promise<readonly string[]> {
  const parsed = z.looseObject({ splits: z.array(z.string()) }).safeParse(parseJson(await textOf(file)));
  if (!parsed.success) throw new BadInput([{ where: file, problem: 'is not as Hugging Face has it' }]);
  return parsed.data.splits;
}

const textOf = (file: string): Promise<string> => text(sourceOf(file).read(file));

/** The files that are named themselves, or that a pattern matches. */
function matching(files: readonly string[], patterns: readonly string[]): string[] {
  const matches = picomatch([...patterns]);
  return files.filter((file) => patterns.includes(file) || matches(file));
}

/** The files of splits that lie in folders of their own. */
const byFolder = (splits: readonly string[], files: readonly string[]): Map<string, string[]> =>
  new Map(splits.map((split) => [split, files.filter((file) => file.startsWith(`${split}/`))]));

/** The split of each file, told by the words of its name. If no file's name tells anything, the names of the folders
 *  do; if those do not either, all files are training rows. */
function bySplitName(files: readonly string[], inside: string): Map<string, string[]> {
  for (const part of [
    (file: string) => file.slice(file.lastIndexOf('/') + 1),
    (file: string) => file.slice(inside.length),
  ]) {
    const splits = new Map<string, string[]>();
    for (const file of files) {
      const split = Object.entries(SPLIT_WORDS).find(([, words]) =>
        words.some((word) => new RegExp(`(?:^|[-._ 0-9/])${word}(?:[-._ 0-9/]|$)`, 'i').test(part(file))),
      )?.[0];
      if (split !== undefined) splits.set(split, [...(splits.get(split) ?? []), file]);
    }
    if (splits.size > 0) return splits;
  }
  return new Map([['train', [...files]]]);
}

const mapped = (splits: ReadonlyMap<string, readonly string[]>, address: (file: string) => string): Splits =>
  new Map([...splits].map(([split, files]) => [split, files.map(address)]));
