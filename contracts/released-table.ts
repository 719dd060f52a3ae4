/** docs/what-leaves.md, made of the schemas. */
import { z } from 'zod';
import { RELEASED, type Released } from './released.ts';

/** A field that leaves, and why it may; null when nobody said so. */
export interface ReleasedField {
  readonly of: Released;
  /** "metrics.accuracy"; "attacks[].success.value". Empty for what is no object. */
  readonly field: string;
  readonly reason: string | null;
}

interface Described {
  readonly description?: string;
  /** The reason is one for all that is in it. */
  readonly whole?: boolean;
  readonly properties?: Readonly<Record<string, Described>>;
  readonly items?: Described;
  readonly anyOf?: readonly Described[];
}

/** All fields, in the order in which they are written down. */
export function releasedFields(): ReleasedField[] {
  return Object.entries(RELEASED).flatMap(([of, schema]) => {
    const described = z.toJSONSchema(schema, { io: 'input', target: 'draft-7', unrepresentable: 'any' }) as Described;
    const found = fieldsOf(described, '').map(({ field, reason }) => ({ of: of as Released, field, reason }));
    return found.length > 0 ? found : [{ of: of as Released, field: '', reason: described.description ?? null }];
  });
}

function fieldsOf(schema: Described, path: string): { readonly field: string; readonly reason: string | null }[] {
  if (schema.whole === true) return [];
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => {
    const field = path === '' ? name : `${path}.${name}`;
    return [{ field, reason: inner.description ?? null }, ...fieldsOf(inner, field)];
  });
  const inItems = schema.items === undefined ? [] : fieldsOf(schema.items, `${path}[]`);
  return [...own, ...inItems, ...(schema.anyOf ?? []).flatMap((branch) => fieldsOf(branch, path))];
}

const INTRODUCTION = `# What leaves the client

Every result of an activity of the client goes to the provider, so each is held against a schema before it leaves
([contracts/released.ts](../contracts/released.ts)), and a field without a reason cannot. This page is made of the
schemas by \`rapt schema --leaves\`; what the release itself tells is in [privacy.md](privacy.md), with what all of this
is good for.`;

/** As docs/what-leaves.md holds it. */
export function releasedTable(): string {
  const fields = releasedFields();
  const sections = Object.keys(RELEASED).map((of) => {
    const rows = fields
      .filter((one) => one.of === of)
      .map(({ field, reason }) => `| ${field === '' ? '' : `\`${field}\``} | ${reason ?? ''} |`);
    return `## ${of}\n\n| field | why it may leave |\n|---|---|\n${rows.join('\n')}`;
  });
  return `${[INTRODUCTION, ...sections].join('\n\n')}\n`;
}
