import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lastWords, runCommand } from '../../../infra/setup/run-command.mjs';
import { inStaging } from '../../../infra/setup/staging.mjs';
import { DEFAULT_BACKBONE, DEFAULT_BACKBONE_SHA256 } from '../../../contracts/index.ts';
import { backbone, NAME } from '../../../infra/setup/components/backbone.mjs';
import { splitReviews } from '../../../infra/setup/components/movie-reviews.mjs';
import { diagnose } from '../../../infra/index.ts';
import { COMPONENTS } from '../../../settings/stack-record.ts';
import { temporaryFolder } from '../../support/folder.ts';

const folder = temporaryFolder();

test('a command that fails tells what it printed', async () => {
  await assert.rejects(runCommand('sh', ['-c', 'echo no such thing >&2; exit 3']), /`sh -c .*` failed: no such thing$/);
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

test('the doctor names each part of Rapt, and a command for each that is missing', async () => {
  process.env['RAPT_HOME'] = join(folder, 'home');
  const findings = await diagnose();
  for (const what of [
    'Node',
    'system',
    'C library',
    'processor',
    'memory',
    'temporal',
    'minio',
    'tensorflow',
    'tensorflow-binding',
    'backbone',
    'movie-reviews',
    'gpu worker',
  ])
    assert.ok(
      findings.some((finding) => finding.what === what),
      what,
    );
  assert.deepEqual(
    findings.filter(({ ok }) => !ok).map(({ fix }) => fix),
    COMPONENTS.map(() => 'rapt up'),
  );
  delete process.env['RAPT_HOME'];
});

test('of what a command printed, the reason is told', () => {
  const cases: readonly [string, string][] = [
    [
      "WARNING: Retrying (Retry(total=0)) after connection broken by 'ProxyError('Cannot connect to proxy.', " +
        "NewConnectionError('<x>: Failed: [Errno 111] Connection refused'))': /simple/x/\nERROR: No matching " +
        'distribution found for x',
      'Connection refused',
    ],
    [
      'npm error code ENOTFOUND\nnpm error network request to URL failed, reason: getaddrinfo ENOTFOUND host\nnpm ' +
        'error network In most cases',
      'request to URL failed, reason: getaddrinfo ENOTFOUND host',
    ],
    [
      'go: x@v1: Get "URL": dial tcp 127.0.0.1:9: connect: connection refused\n',
      'x@v1: Get "URL": dial tcp 127.0.0.1:9: connect: connection refused',
    ],
    ['a.cc:1:1: error: expected unqualified-id\n    1 | x\n', 'a.cc:1:1: error: expected unqualified-id'],
    ['', 'it said nothing'],
  ];
  for (const [output, reason] of cases) assert.equal(lastWords(output), reason);
});

test('the part that knows no contracts has the default backbone', () => {
  assert.equal(NAME, DEFAULT_BACKBONE);
  const weights = backbone.files().find(({ path }) => path.endsWith('/model.safetensors'));
  assert.equal(weights?.sha256, DEFAULT_BACKBONE_SHA256);
});
