import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ErrorKind, NON_RETRYABLE_KINDS, TRIES } from '../../contracts/index.ts';

const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

test('the page for operators tells of every kind of failure how often it is tried', () => {
  const told = Object.fromEntries(
    [...page.matchAll(/^- \*\*`(Rapt\w+)`\*\*, tried ([^:]+):/gm)].map(([, kind, tries]) => [kind!, tries!.trim()]),
  );
  const words = (tries: number): string =>
    tries === 1 ? 'once' : tries === Infinity ? 'until it passes' : `${tries} times`;
  assert.deepEqual(told, Object.fromEntries(Object.values(ErrorKind).map((kind) => [kind, words(TRIES[kind])])));
});

test('Temporal is told not to retry what is tried once', () => {
  assert.deepEqual(
    [...NON_RETRYABLE_KINDS].sort(),
    Object.values(ErrorKind)
      .filter((kind) => TRIES[kind] === 1)
      .sort(),
  );
});
