import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readTable } from '../../../rapt/data/index.ts';
import { privatizeTable } from '../../../rapt/release/index.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { identity, replacing, tokenizer } from './fakes.ts';

const folder = temporaryFolder();
const decoding = {
  ...tokenizer,
  decode: (ids: ArrayLike<number>): string => Array.from(ids, (id) => `w${id}`).join(', '),
};
const input = join(folder, 'in.csv');
const manyLines = Array.from({ length: 3000 }, (_, row) => `w${row % 400} w7 w8 w9 w10 w11,c\r\n`).join('');
writeFileSync(input, `text,label\r\n"w1, w2","a ""b"""\r\n${manyLines}`);
const options = { input, columns: { text: 'text', label: 'label' }, tokenizer: decoding, maxTokens: 5 };

test('every row comes out once, in order, cut to its length, its label as it was', async () => {
  const output = join(folder, 'same.csv');
  const done = await privatizeTable({ ...options, output, mechanism: identity });
  const rows = [];
  for await (const row of readTable(output, options.columns)) rows.push(row);
  assert.equal(rows.length, 3001);
  assert.equal(done.tokens, 2 + 3000 * 5);
  assert.equal(done.unchangedRate, 1);
  assert.equal(rows[0]!.label, 'a "b"');
  assert.equal(rows[401]!.text, 'w0, w7, w8, w9, w10');
});

test('nothing passes through, in .jsonl with the ids', async () => {
  const output = join(folder, 'noisy.jsonl');
  const done = await privatizeTable({ ...options, output, mechanism: replacing() });
  assert.equal(done.unchangedRate, 0);
  const rows = readFileSync(output, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { input_ids: number[] });
  assert.ok(rows.every(({ input_ids }) => input_ids.every((id) => id >= 500)));
});

test('a table that was privatized is not privatized again', async () => {
  const output = join(folder, 'once.csv');
  await privatizeTable({ ...options, output, mechanism: replacing() });
  const before = readFileSync(output);
  await assert.rejects(
    privatizeTable({ ...options, output, mechanism: replacing() }),
    /exists; the guarantee covers one noisy version/,
  );
  assert.deepEqual(readFileSync(output), before);
});

test('a failure leaves neither half a table nor a temporary file', async () => {
  const output = join(folder, 'failed.csv');
  const mechanism = {
    batchTokens: 100,
    privatizeInTurns: () => Promise.reject(new Error('no randomness')),
  };
  await assert.rejects(privatizeTable({ ...options, output, mechanism }), /no randomness/);
  assert.ok(!existsSync(output));
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes('part')),
    [],
  );
});
