/** Checking what people and programs hand in, with every problem told at once. */
import { z } from 'zod';
import type { InputProblem } from './errors.ts';
import { nearest } from './nearest.ts';

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly InputProblem[] };

/** Checks an input and fills in its defaults; on failure every problem is listed, each with the field's path. */
export function parseWith<S extends z.ZodType>(schema: S, input: unknown): Parsed<z.output<S>> {
  const result = schema.safeParse(input);
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, problems: result.error.issues.flatMap((issue) => describeIssue(issue, schema)) };
}

function describeIssue(issue: z.core.$ZodIssue, schema: z.ZodType): InputProblem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ where: [...path, key].join('.'), problem: `is not a known field; ${hint(schema, path, key)}` }));
  if (issue.code === 'invalid_union') {
    const deepest = issue.errors.map((branch) => branch).sort((a, b) => depth(b) - depth(a))[0] ?? [];
    if (depth(deepest) > 0)
      return deepest.flatMap((inner) => describeIssue({ ...inner, path: [...issue.path, ...inner.path] }, schema));
  }
  return [{ where: path.join('.') || 'configuration', problem: issue.message }];
}

const depth = (issues: readonly z.core.$ZodIssue[]): number =>
  Math.max(0, ...issues.map((issue) => issue.path.length + (issue.code === 'unrecognized_keys' ? 1 : 0)));

/** The field that was probably meant: one beside it that is spelt nearly so, else one of that name elsewhere. */
function hint(schema: z.ZodType, path: readonly string[], key: string): string {
  const fields = fieldPaths(z.toJSONSchema(schema, { io: 'input' }));
  const prefix = path.map((name) => `${name}.`).join('');
  const beside = fields.filter((field) => field.startsWith(prefix)).map((field) => field.slice(prefix.length)).filter((field) => !field.includes('.'));
  const meant = nearest(key, beside);
  if (meant !== undefined) return `did you mean ${prefix}${meant}?`;
  const elsewhere = fields.find((field) => nearest(key, [lastOf(field)]) !== undefined);
  if (elsewhere !== undefined) return `did you mean ${elsewhere}?`;
  return `remove it, or check its spelling: the fields here are ${beside.join(', ')}`;
}

const lastOf = (path: string): string => path.slice(path.lastIndexOf('.') + 1);

/** All fields of a schema, "tuning.epochs". */
function fieldPaths({ properties = {}, anyOf = [] }: z.core.JSONSchema.BaseSchema, prefix = ''): string[] {
  const own = Object.entries(properties).flatMap(([name, inner]) => (typeof inner === 'boolean' ? [] : [`${prefix}${name}`, ...fieldPaths(inner, `${prefix}${name}.`)]));
  return [...own, ...anyOf.flatMap((branch) => fieldPaths(branch, prefix))];
}
