/** The owner's policy: what may leave this client, whoever asks for it. One YAML file in the client's home, which
 *  people write and read. */
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import {
  BadInput,
  BUILT_IN_DATASETS,
  DEFAULT_BACKBONE,
  DEFAULT_ETA,
  LARGEST_LABEL_EPSILON,
  parseWith,
  type Budget,
  type InputProblem,
} from '../../contracts/index.ts';
import { unreadable } from '../../system/index.ts';
import { isAddress } from '../data/index.ts';

const POLICY_FILE = 'policy.yaml';

/** Two releases of a text at the default eta, and ten of a text that is in every table. */
const DEFAULT_BUDGETS = { perText: 28, perTenant: 140, labels: 6 } as const;
/** More classes than a task has, but fewer than a column of names or texts has values. */
const DEFAULT_MOST_CLASSES = 20;
/** A class of fewer rows could be the name of somebody. */
const DEFAULT_SMALLEST_CLASS = 5;
const LARGEST_ETA = 100_000;

/** A message for a value of a wrong kind: Zod's own says no way out. */
type Told = (issue: { readonly input?: unknown }) => string;

const PLACE =
  'must be an absolute path or an address, without wildcards; a slash at the end means a folder and all below it';
const aboutPlace: Told = ({ input }) =>
  typeof input === 'string' && input.startsWith('~/')
    ? `${PLACE}. Only a shell knows ~: write ${join(homedir(), input.slice(2))}`
    : PLACE;
const isPlace = (text: string): boolean => (isAbsolute(text) || isAddress(text)) && !/[*?]/.test(text);
/** The worker and the command run in other folders. */
const place = z.string({ error: aboutPlace }).refine(isPlace, { error: aboutPlace });

/** @param what its items are, in the plural. */
const listOf = <T extends z.ZodType>(item: T, what: string, example: string): z.ZodArray<T> =>
  z.array(item, {
    error: ({ input }) =>
      typeof input === 'string' || typeof input === 'number'
        ? `must be a list of ${what}; write [${input}]`
        : `must be a list of ${what}, such as [${example}]; [] is an empty one`,
  });
const COLUMN = 'must be the name of a column; put one that looks like a number into quotes';
const columns = listOf(z.string(COLUMN).min(1, COLUMN), 'columns', 'review').default([]);
const yesOrNo = z.boolean('must be true or false').default(false);
const wholeNumber = (least: number): z.ZodInt => {
  const problem = `must be a whole number from ${least}`;
  return z.int(problem).min(least, problem);
};

const ETA = `must be a number above 0 and at most ${LARGEST_ETA}`;
const largestEta = z.number(ETA).positive(ETA).max(LARGEST_ETA, ETA).optional();
const LABELS = `must be plain, or the largest labelEpsilon such as 3, at most ${LARGEST_LABEL_EPSILON}`;
const NAME = 'must be 1 to 64 characters: letters from a to z, digits, dots, hyphens and underscores';

const tableRuleSchema = z.strictObject(
  {
    /** A file, a folder and all below it ("/data/reviews/"), a bucket's part ("s3://texts/reviews/"), or a built-in
     *  data set. */
    table: z.union([z.enum(BUILT_IN_DATASETS), place], { error: aboutPlace }),
    /** How requests may name it, as "table://NAME", so that no path is told. */
    name: z
      .string(NAME)
      .regex(/^[\w.-]{1,64}$/, NAME)
      .optional(),
    /** Whether its texts are nobody's secret. Releases of public tables do not count against the budgets below. */
    public: yesOrNo,
    text: columns,
    pair: columns,
    label: columns,
    attributes: columns,
    /** Most classes, and fewest training rows of one: class names leave as they are. */
    mostClasses: wholeNumber(2).default(DEFAULT_MOST_CLASSES),
    smallestClass: wholeNumber(1).default(DEFAULT_SMALLEST_CLASS),
    /** The largest eta of each mechanism that may be used. */
    eta: z
      .strictObject(
        { exponential: largestEta, laplace: largestEta },
        {
          error: ({ input }) => {
            const eta = typeof input === 'number' ? input : DEFAULT_ETA.exponential;
            return `must name mechanisms with their largest eta, such as { exponential: ${eta} }`;
          },
        },
      )
      .default({}),
    /** Whether the texts may leave as they are, for a baseline. */
    none: yesOrNo,
    /** How training labels leave: as they are, or by randomized response under at most this epsilon. */
    labels: z.union([z.literal('plain'), z.number(LABELS).positive(LABELS).max(LARGEST_LABEL_EPSILON, LABELS)], LABELS),
  },
  'must be a rule with the fields table and labels at least; `rapt policy allow` writes one',
);
/** What may be done with a table. */
export type TableRule = z.output<typeof tableRuleSchema>;

/** What is wrong with the value of one field, as a sentence about it; null when nothing is. */
export function fieldProblem(field: keyof TableRule, value: unknown): string | null {
  return tableRuleSchema.shape[field].safeParse(value).error?.issues[0]?.message ?? null;
}

const LIMIT = 'must be a number above 0, or none for no limit';
const limit = z.union([z.number(LIMIT).positive(LIMIT), z.literal('none'), z.null()], LIMIT);

/** Limits that are left out are the defaults: nobody lifts one without a word. */
const budgetsSchema = z
  .strictObject(
    {
      perText: limit.default(DEFAULT_BUDGETS.perText),
      perTenant: limit.default(DEFAULT_BUDGETS.perTenant),
      labels: limit.default(DEFAULT_BUDGETS.labels),
    },
    `must name limits, such as { perText: ${DEFAULT_BUDGETS.perText} }; leave it out for the defaults`,
  )
  .transform((limits): Budget =>
    Object.fromEntries(Object.entries(limits).filter(([, value]) => typeof value === 'number')),
  );

const DIGEST = /^sha256:[0-9a-f]{64}$/;
const BACKBONE = 'must be the name of a model, its folder, sha256: and the digest of its weights, or public';

const policySchema = z
  .strictObject({
    version: z.literal(1, 'must be 1, which is the only version of a policy that there is; write version: 1'),
    tables: z
      .array(tableRuleSchema, 'must be a list of rules; write [] for none, and `rapt policy allow` adds some')
      .default([]),
    /** Names as a request gives them, "sha256:..." of the weights, or "public": any model of the hub. */
    backbones: listOf(z.string(BACKBONE).min(1, BACKBONE), 'models', DEFAULT_BACKBONE).default([DEFAULT_BACKBONE]),
    budgets: budgetsSchema.prefault({}),
    /** Folders that answers to predictions may be written to. */
    answers: listOf(place, 'folders', '/data/answers').default([]),
    /** Files that an audit may take for public text. */
    publicTexts: listOf(place, 'files', '/data/public.txt').default([]),
  })
  .superRefine(({ tables, backbones }, context) => {
    const names = tables.flatMap(({ name }) => name ?? []);
    for (const [index, { name }] of tables.entries())
      if (name !== undefined && names.indexOf(name) !== names.lastIndexOf(name))
        context.addIssue({
          code: 'custom',
          path: ['tables', index, 'name'],
          message: 'is the name of two tables; give one of them another',
        });
    for (const [index, name] of backbones.entries())
      if (name.startsWith('sha256:') && !DIGEST.test(name))
        context.addIssue({
          code: 'custom',
          path: ['backbones', index],
          message: 'must be sha256: and 64 digits, 0 to 9 and a to f',
        });
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
  const text = policyText(path);
  return text === null ? defaultPolicy() : parsePolicy(text, path);
}

/** Null where the owner has written none. @throws BadInput when it cannot be read. */
export function policyText(path: string): string | null {
  // A link to nothing is no missing policy.
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return null;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (found.isSymbolicLink() && (error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new BadInput([
        {
          where: path,
          problem: `is a link to ${readlinkSync(path)}, which is not there; bring that back, or remove the link`,
        },
      ]);
    throw unreadable(path, error);
  }
}

/** @param path names the text in messages. @throws BadInput. */
export function parsePolicy(text: string, path: string): Policy {
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    const { message, linePos } = error as {
      readonly message: string;
      readonly linePos?: readonly { readonly line: number }[];
    };
    throw new BadInput([
      {
        where: linePos?.[0] === undefined ? path : `${path}, line ${linePos[0].line}`,
        problem: `is no YAML here (${message.split('\n', 1)[0]!.slice(0, 100)}); correct it`,
      },
    ]);
  }
  const anew = '`rapt policy init --force` writes one with every field';
  if (content === null || content === undefined) throw new BadInput([{ where: path, problem: `is empty; ${anew}` }]);
  if (typeof content !== 'object' || Array.isArray(content))
    throw new BadInput([{ where: path, problem: `holds no fields such as version: 1; ${anew}` }]);
  const parsed = parseWith(policySchema, content);
  if (parsed.ok) return parsed.value;
  const tables = (content as { readonly tables?: unknown }).tables;
  throw new BadInput(parsed.problems.map((problem) => inTheFile(problem, path, Array.isArray(tables) ? tables : [])));
}

/** Where a problem is, as people see it: "tables.0.text.1" is "table /data/reviews.csv, text, entry 2". */
function inTheFile({ where, problem }: InputProblem, path: string, tables: readonly unknown[]): InputProblem {
  const [, number, field] = /^tables\.(\d+)(?:\.(.+))?$/.exec(where) ?? [];
  const counted = (field ?? where).replace(/\.(\d+)$/, (_, index) => `, entry ${Number(index) + 1}`);
  if (number === undefined) return { where: `${path}, ${counted}`, problem };
  const table = `${path}, ${tableInWords(tables, Number(number))}`;
  return { where: field === undefined ? table : `${table}, ${counted}`, problem };
}

/** A rule by its place or name where no other rule has the same, else by its number. */
function tableInWords(tables: readonly unknown[], index: number): string {
  const valueOf = (rule: unknown, field: string): unknown =>
    typeof rule === 'object' && rule !== null ? (rule as Record<string, unknown>)[field] : undefined;
  for (const field of ['table', 'name']) {
    const value = valueOf(tables[index], field);
    const isOnly = tables.filter((rule) => valueOf(rule, field) === value).length === 1;
    if (typeof value === 'string' && value !== '' && isOnly) return `table ${value}`;
  }
  return `table ${index + 1}`;
}

/** What is wrong with a table's name of the kind "table://NAME" that the policy gives to no table; null for any other
 *  name. */
export function unknownName({ tables }: Policy, named: string): string | null {
  const isUnknown = named.startsWith('table://') && !tables.some(({ name }) => named === `table://${name}`);
  return isUnknown ? "is a name that no table of the owner's policy has; `rapt policy show` lists them" : null;
}

/** The rule of just this place, though other rules may cover it as well. A folder is the same with and without a slash
 *  at its end: two rules for it would be in each other's way. */
export function ruleOfPlace({ tables }: Pick<Policy, 'tables'>, place: string): TableRule | undefined {
  const plain = (name: string): string => (isAddress(name) ? name : name.replace(/(?<=.)\/+$/, ''));
  return tables.find(({ table }) => table === place) ?? tables.find(({ table }) => plain(table) === plain(place));
}
