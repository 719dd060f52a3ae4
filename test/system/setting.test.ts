import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setting } from '../../system/index.ts';

test('a variable that is set to nothing counts as not set', () => {
  assert.equal(setting('A', { A: '' }), undefined);
  assert.equal(setting('A', {}), undefined);
  assert.equal(setting('A', { A: '0' }), '0');
});
