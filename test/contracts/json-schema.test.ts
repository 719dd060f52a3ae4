import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { parseTuningConfig, tuningJsonSchema } from '../../contracts/index.ts';
import { projectRoot } from '../../system/index.ts';

const schema = tuningJsonSchema();
const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(schema);

/** The indented block of the README that begins with this line. */
function readmeBlock(first: string): string {
  const lines = readFileSync(join(projectRoot, 'README.md'), 'utf8').split('\n');
  const start = lines.indexOf(`    ${first}`);
  const end = lines.findIndex((line, at) => at > start && !line.startsWith('    '));
  return lines
    .slice(start, end)
    .map((line) => line.slice(4))
    .join('\n');
}

test('the published schema is the one of this code; `rapt schema > docs/tuning.schema.json` makes it anew', () => {
  assert.deepEqual(
    JSON.parse(readFileSync(join(projectRoot, 'docs', 'tuning.schema.json'), 'utf8')),
    JSON.parse(JSON.stringify(schema)),
  );
});

test('every field is described', () => {
  const undescribed: string[] = [];
  const visit = (
    { properties = {}, anyOf = [] }: { properties?: Record<string, object>; anyOf?: object[] },
    path: string,
  ): void => {
    for (const [name, field] of Object.entries(properties)) {
      if (!('description' in field)) undescribed.push(path + name);
      visit(field, `${path}${name}.`);
    }
    for (const branch of anyOf) visit(branch, path);
  };
  visit(schema, '');
  assert.deepEqual(undescribed, []);
});

const RIGHT: Readonly<Record<string, unknown>> = {
  'nothing at all': {},
  "the README's": parse(readmeBlock('data:')) as unknown,
  'a pair task without attacks': {
    data: { train: 'pairs.parquet', pairColumn: 'second' },
    audit: false,
    tuning: { reconstruction: false },
  },
  'attacks by name, and runs to go on from': { audit: ['bayes'], resumeFrom: ['nightly', 'nightly-r2'] },
};
const WRONG: Readonly<Record<string, unknown>> = {
  'a field that there is not': { tuning: { epoch: 3 } },
  'a number out of range': { data: { train: 'a.csv', maxTokens: 0 } },
  'a mechanism that there is not': { privacy: { mechanism: 'gaussian' } },
  'a table without a name': { data: { textColumn: 'text' } },
};

test('an editor and Rapt agree on what is right and what is wrong', () => {
  for (const [what, config] of Object.entries(RIGHT)) {
    assert.ok(validate(config), `${what}: ${JSON.stringify(validate.errors)}`);
    assert.ok(parseTuningConfig(config).ok, what);
  }
  for (const [what, config] of Object.entries(WRONG))
    assert.deepEqual([validate(config), parseTuningConfig(config).ok], [false, false], what);
});
