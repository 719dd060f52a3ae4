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

/** Prettier's width of a page. */
const LINE_WIDTH = 100;

const INTRODUCTION = [
  '# What leaves the client',
  wrapped(
    'Every result of an activity of the client goes to the provider. Each result is held against a schema before it ' +
      'leaves ([contracts/released.ts](../contracts/released.ts)), and a field without a reason cannot leave. ' +
      '`rapt schema --leaves` makes this page of the schemas. [privacy.md](privacy.md) says what the release itself ' +
      'tells, and what all of this is good for.',
  ),
  'Each field stands with the reason why it may leave.',
];

/** As docs/what-leaves.md holds it, in the layout that prettier leaves as it is. */
export function releasedTable(): string {
  const fields = releasedFields();
  const sections = Object.keys(RELEASED).flatMap((of) => {
    const lines = fields
      .filter((one) => one.of === of)
      .map(({ field, reason }) =>
        field === '' ? wrapped(reason ?? '') : wrapped(`- \`${field}\`: ${reason ?? ''}`, '  '),
      );
    return [`## ${of}`, lines.join('\n')];
  });
  return `${[...INTRODUCTION, ...sections].join('\n\n')}\n`;
}

/** Broken between words, where a line is full. */
function wrapped(text: string, indentation = ''): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1) ?? ''} ${word}`;
    if (lines.length > 0 && longer.length <= LINE_WIDTH) lines[lines.length - 1] = longer;
    else lines.push(lines.length === 0 ? word : indentation + word);
  }
  return lines.join('\n');
}
