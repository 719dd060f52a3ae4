import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inStaging, runCommand, verify } from '../../infra/setup/commands.ts';
import { splitReviews } from '../../infra/setup/components/movie-reviews.ts';
import { withLock } from '../../infra/setup/lock.ts';
import { diagnose } from '../../infra/index.ts';
import { COMPONENTS } from '../../infra/stack/record.ts';
import { temporaryFolder } from '../support/folder.ts';

const folder = temporaryFolder();

test('a file whose bytes are not the pinned ones is not used', async () => {
  const path = join(folder, 'wheel');
  writeFileSync(path, 'other bytes');
  await assert.rejects(verify(path, 'a'.repeat(64)), /has SHA-256 [0-9a-f]{64} instead of the pinned a+; it was not used/);
});

test('a command that fails tells what it printed', async () => {
  await assert.rejects(runCommand('sh', ['-c', 'echo no such thing >&2; exit 3']), /failed:\nno such thing/);
});

test('what an interrupted set-up left is removed, and staging leaves nothing', async () => {
  process.env['RAPT_CACHE'] = join(folder, 'cache');
  let place = '';
  await assert.rejects(
    inStaging('part', (staging) => {
      place = staging;
      writeFileSync(join(staging, 'half'), '');
      return Promise.reject(new Error('interrupted'));
    }),
  );
  assert.ok(!existsSync(place));
  delete process.env['RAPT_CACHE'];
});

test('two set-ups run one after the other, and the lock of a dead one is taken over', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  writeFileSync(join(folder, 'setup.lock'), String(child.pid));
  let inside = 0;
  let most = 0;
  const body = async (): Promise<void> => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setTimeout(resolve, 50));
    inside--;
  };
  await Promise.all([withLock(folder, body), withLock(folder, body)]);
  assert.equal(most, 1);
  assert.ok(!existsSync(join(folder, 'setup.lock')));
});

test('reviews are split by the hash of their ids, whatever their order', () => {
  const lines = Array.from({ length: 3000 }, (_, i) => `${4000 + i}\t1.5\tsentence ${i}`);
  const { train, test: held } = splitReviews(lines.join('\r\n'));
  const rows = (table: string): string[] => table.trimEnd().split('\n').slice(1);
  assert.equal(rows(held).length, 1500);
  assert.equal(rows(train).length, 1500);
  assert.deepEqual(splitReviews(lines.reverse().join('\n')), { train, test: held });
  assert.ok(rows(train).includes('sentence 1152\tpositive') || rows(held).includes('sentence 1152\tpositive'));
  assert.ok(rows(train).includes('sentence 1153\tnegative') || rows(held).includes('sentence 1153\tnegative'));
});

test('the doctor names each part of Rapt, and a command for each that is missing', () => {
  process.env['RAPT_HOME'] = join(folder, 'home');
  const findings = diagnose();
  for (const what of ['Node', 'temporal', 'minio', 'tensorflow', 'tensorflow-binding', 'backbone', 'movie-reviews', 'gpu worker']) assert.ok(findings.some((finding) => finding.what === what), what);
  assert.deepEqual(findings.filter(({ ok }) => !ok).map(({ fix }) => fix), COMPONENTS.map(() => 'rapt up'));
  delete process.env['RAPT_HOME'];
});
