/** The owner's policy: what may leave this client, whoever asks for it. One YAML file in the client's home, which
 *  people write and read. */
import { lstatSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { BadInput, budgetSchema, BUILT_IN_DATASETS, DEFAULT_BACKBONE, parseWith } from '../../contracts/index.ts';
import { unreadable } from '../../system/index.ts';
import { isAddress } from '../data/index.ts';

const POLICY_FILE = 'policy.yaml';

/** Two releases of a text at the default eta, and ten of a text that is in every table. */
const DEFAULT_BUDGETS = { perText: 28, perTenant: 140, labels: 6 };
/** More classes than a task has, but fewer than a column of names or texts has values. */
const DEFAULT_MOST_CLASSES = 20;
/** A class of fewer rows could be the name of somebody. */
const DEFAULT_SMALLEST_CLASS = 5;

const PLACE = 'must be an absolute path or an address, without wildcards; a slash at the end means a folder and all below it';
/** The worker and the command run in other folders. */
const place = z.string().refine((text) => (isAbsolute(text) || isAddress(text)) && !/[*?]/.test(text), PLACE);
const columns = z.array(z.string().min(1)).default([]);
const largestEta = z.number().positive().max(100_000).optional();

const tableRuleSchema = z.strictObject({
  /** A file, a folder and all below it ("/data/reviews/"), a bucket's part ("s3://texts/reviews/"), or a built-in data
   *  set. */
  table: z.union([z.enum(BUILT_IN_DATASETS), place], { error: PLACE }),
  /** How requests may name it, as "table://NAME", so that no path is told. */
  name: z.string().regex(/^[\w.-]{1,64}$/, 'use 1 to 64 letters, digits, dots, hyphens and underscores').optional(),
  /** Whether its texts are nobody's secret. Releases of public tables do not count against the budgets below. */
  public: z.boolean().default(false),
  text: columns,
  pair: columns,
  label: columns,
  attributes: columns,
  /** Most classes, and fewest training rows of one: class names leave as they are. */
  mostClasses: z.int().min(2).default(DEFAULT_MOST_CLASSES),
  smallestClass: z.int().min(1).default(DEFAULT_SMALLEST_CLASS),
  /** The largest eta of each mechanism that may be used. */
  eta: z.strictObject({ exponential: largestEta, laplace: largestEta }).default({}),
  /** Whether the texts may leave as they are, for a baseline. */
  none: z.boolean().default(false),
  /** How training labels leave: as they are, or by randomized response under at most this epsilon. */
  labels: z.union([z.literal('plain'), z.number().positive().max(20)], {
    error: 'must be plain, or the largest labelEpsilon such as 3',
  }),
});
/** What may be done with a table. */
export type TableRule = z.output<typeof tableRuleSchema>;

const DIGEST = /^sha256:[0-9a-f]{64}$/;

export const policySchema = z
  .strictObject({
    version: z.literal(1),
    tables: z.array(tableRuleSchema).default([]),
    /** Names as a request gives them, "sha256:..." of the weights, or "public": any model of the hub. */
    backbones: z.array(z.string().min(1)).default([DEFAULT_BACKBONE]),
    budgets: budgetSchema.default(DEFAULT_BUDGETS),
    /** Folders that answers to predictions may be written to. */
    answers: z.array(place).default([]),
    /** Files that an audit may take for public text. */
    publicTexts: z.array(place).default([]),
  })
  .superRefine(({ tables, backbones }, context) => {
    const names = tables.flatMap(({ name }) => name ?? []);
    for (const [index, { name }] of tables.entries())
      if (name !== undefined && names.indexOf(name) !== names.lastIndexOf(name))
        context.addIssue({ code: 'custom', path: ['tables', index, 'name'], message: 'is the name of two tables' });
    for (const [index, name] of backbones.entries())
      if (name.startsWith('sha256:') && !DIGEST.test(name))
        context.addIssue({ code: 'custom', path: ['backbones', index], message: 'must be sha256: and 64 digits' });
  });
export type Policy = z.output<typeof policySchema>;

/** The built-in data sets are public, so that a first run needs no policy. Even they do not leave without noise unless
 *  the owner says so. */
const BUILT_IN_RULES: readonly TableRule[] = BUILT_IN_DATASETS.map((table) => ({
  table,
  public: true,
  text: ['text'],
  pair: [],
  label: ['label'],
  attributes: [],
  mostClasses: DEFAULT_MOST_CLASSES,
  smallestClass: 1,
  eta: { exponential: Infinity, laplace: Infinity },
  none: false,
  labels: 'plain',
}));

/** Rules of the owner, and after them those of the built-in data. */
export const rulesOf = ({ tables }: Policy): readonly TableRule[] => [...tables, ...BUILT_IN_RULES];

/** The policy where the owner has written none: the built-in data alone. */
export const defaultPolicy = (): Policy => policySchema.parse({ version: 1 });

/** @param home folder of all tenants of this client. */
export const policyFile = (home: string): string => join(home, POLICY_FILE);

/** Read for each request, so that the owner's change holds at once. @throws BadInput with everything that is wrong with
 *  the file: nothing is allowed until it can be read. */
export function readPolicy(home: string): Policy {
  const path = policyFile(home);
  // A link to nothing is no missing policy.
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return defaultPolicy();
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
  return parsePolicy(text, path);
}

/** @param path names the text in messages. @throws BadInput. */
export function parsePolicy(text: string, path: string): Policy {
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    const { message, linePos } = error as { readonly message: string; readonly linePos?: readonly { readonly line: number }[] };
    throw new BadInput([{ where: linePos?.[0] === undefined ? path : `${path}, line ${linePos[0].line}`, problem: `is no YAML here (${message.split('\n', 1)[0]!.slice(0, 100)}); correct it` }]);
  }
  if (content === null || content === undefined) throw new BadInput([{ where: path, problem: 'is empty; `rapt policy init --force` writes one with every field' }]);
  const parsed = parseWith(policySchema, content);
  if (parsed.ok) return parsed.value;
  throw new BadInput(parsed.problems.map(({ where, problem }) => ({ where: `${path}, ${where}`, problem })));
}
