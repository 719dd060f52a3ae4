/** The page of settings against the schema of a run's input. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

interface Field {
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Field>>;
  readonly anyOf?: readonly Field[];
}

const read = (path: string): string => readFileSync(new URL(`../../docs/${path}`, import.meta.url), 'utf8');
const page = read('settings.md').replaceAll(/\n {2}/g, ' ');

/** Fields that hold no others, by their whole names. */
function leaves(field: Field, name = ''): (readonly [name: string, field: Field])[] {
  const inner = field.properties ?? field.anyOf?.find(({ properties }) => properties !== undefined)?.properties;
  if (inner === undefined) return [[name, field]];
  return Object.entries(inner).flatMap(([key, below]) => leaves(below, name === '' ? key : `${name}.${key}`));
}
const fields = leaves(JSON.parse(read('tuning.schema.json')) as Field);

/** What the page says of a field's default; null where it does not name the field. */
const told = (name: string): string | null =>
  new RegExp(`^- [^(]*\\*\\*\`${name.replaceAll('.', '\\.')}\`\\*\\*[^(]*\\(([^)]*)\\)`, 'm').exec(page)?.[1] ?? null;

test('every setting of the schema is on the page of settings', () => {
  assert.ok(fields.length > 40);
  assert.deepEqual(
    fields.map(([name]) => name).filter((name) => told(name) === null),
    [],
  );
});

test('the page tells the default that the schema has', () => {
  const plain = fields.filter(([, field]) => ['string', 'number', 'boolean'].includes(typeof field.default));
  assert.ok(plain.length > 20);
  const wrong = plain.filter(([name, field]) => !told(name)!.replaceAll('`', '').startsWith(String(field.default)));
  assert.deepEqual(
    wrong.map(([name, field]) => `${name}: ${String(field.default)}, not ${told(name)}`),
    [],
  );
});
