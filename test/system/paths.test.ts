import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { cacheFolder, homeFolder, projectRoot } from '../../system/index.ts';

const VARIABLES = ['RAPT_HOME', 'RAPT_CACHE', 'XDG_CACHE_HOME'];
let saved: NodeJS.ProcessEnv;
beforeEach(() => {
  saved = { ...process.env };
  for (const name of VARIABLES) process.env[name] = '';
});
afterEach(() => {
  process.env = saved;
});

test('a variable that is set to nothing names no folder', () => {
  assert.equal(homeFolder(), join(projectRoot, '.rapt'));
  assert.equal(cacheFolder(), join(homedir(), '.cache', 'rapt'));
  process.env['XDG_CACHE_HOME'] = '/caches';
  assert.equal(cacheFolder(), join('/caches', 'rapt'));
});

test('a folder that is named is used', () => {
  Object.assign(process.env, { RAPT_HOME: '/home/of/runs', RAPT_CACHE: '/cache', XDG_CACHE_HOME: '/caches' });
  assert.equal(homeFolder(), '/home/of/runs');
  assert.equal(cacheFolder(), '/cache');
});
