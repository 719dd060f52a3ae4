/** Checks what people and programs hand in, and tells every problem at once. */
import { z } from 'zod';
import type { InputProblem } from './errors.ts';
import { nearest } from './nearest.ts';

export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly InputProblem[] };

/** Checks an input and fills in its defaults. On failure all problems are listed, each with the field's path. */
export function parseWith<S extends z.ZodType>(schema: S, input: unknown): Parsed<z.output<S>> {
  const result = schema.safeParse(input);
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, problems: result.error.issues.flatMap((issue) => describeIssue(issue, schema)) };
}

function describeIssue(issue: z.core.$ZodIssue, schema: z.ZodType): InputProblem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      where: [...path, key].join('.'),
      problem: `is not a known field; ${hint(schema, issue.path, key)}`,
    }));
  if (issue.code === 'invalid_union') {
    const deepest = issue.errors.map((branch) => branch).sort((a, b) => depth(b) - depth(a))[0] ?? [];
    if (depth(deepest) > 0)
      return deepest.flatMap((inner) => describeIssue({ ...inner, path: [...issue.path, ...inner.path] }, schema));
  }
  return [{ where: path.join('.') || 'configuration', problem: issue.message }];
}

const depth = (issues: readonly z.core.$ZodIssue[]): number =>
  Math.max(0, ...issues.map((issue) => issue.path.length + (issue.code === 'unrecognized_keys' ? 1 : 0)));

/** Stands for an item's number in the path of a field. */
const ITEM = '[]';

/** Names the field that was probably meant: a field beside it with nearly the same name, else one elsewhere. */
function hint(schema: z.ZodType, path: readonly PropertyKey[], key: string): string {
  const fields = fieldPaths(z.toJSONSchema(schema, { io: 'input' }));
  const prefix = path.map((name) => `${typeof name === 'number' ? ITEM : String(name)}.`).join('');
  const inside = fields.filter((field) => field.startsWith(prefix)).map((field) => field.slice(prefix.length));
  const beside = inside.filter((field) => !field.includes('.'));
  const meant = nearest(key, beside);
  if (meant !== undefined) return `did you mean ${withinItem(prefix + meant)}?`;
  const elsewhere = fields.find((field) => nearest(key, [lastOf(field)]) !== undefined);
  if (elsewhere !== undefined) return `did you mean ${inWords(elsewhere, prefix)}?`;
  return `remove it, or check its spelling: the fields here are ${beside.join(', ')}`;
}

const lastOf = (path: string): string => path.slice(path.lastIndexOf('.') + 1);

/** The path within an item, since whoever has a wrong field in an item looks at that item. */
const withinItem = (path: string): string => path.split(`${ITEM}.`).at(-1)!;

function inWords(path: string, from: string): string {
  const list = path.slice(0, Math.max(0, path.lastIndexOf(`.${ITEM}.`)));
  const isHere = list === '' || from.startsWith(`${list}.${ITEM}.`);
  return isHere ? withinItem(path) : `${withinItem(path)} of an item of ${list}`;
}

/** The paths of all fields of a schema, "tuning.epochs", and of the items of its lists, "tables.[].text". */
function fieldPaths({ properties = {}, anyOf = [], items }: z.core.JSONSchema.BaseSchema, prefix = ''): string[] {
  const own = Object.entries(properties).flatMap(([name, inner]) =>
    typeof inner === 'boolean' ? [] : [`${prefix}${name}`, ...fieldPaths(inner, `${prefix}${name}.`)],
  );
  const ofItems = typeof items !== 'object' || Array.isArray(items) ? [] : fieldPaths(items, `${prefix}${ITEM}.`);
  return [...own, ...ofItems, ...anyOf.flatMap((branch) => fieldPaths(branch, prefix))];
}
