import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it, test } from 'node:test';
import { minio, minioBinary, minioVersion } from '../../../infra/setup/components/minio.mjs';
import { temporal, temporalBinary } from '../../../infra/setup/components/temporal.mjs';
import { Work } from '../../../infra/setup/work.mjs';
import { temporaryFolder } from '../../support/folder.ts';

const folder = temporaryFolder();
let bin = '';
let saved: NodeJS.ProcessEnv;

beforeEach(() => {
  saved = { ...process.env };
  bin = mkdtempSync(join(folder, 'bin-'));
  Object.assign(process.env, {
    PATH: `${bin}:/usr/bin:/bin`,
    RAPT_CACHE: join(folder, 'cache'),
    RAPT_MINIO_BIN: '',
    RAPT_TEMPORAL_BIN: '',
  });
});
afterEach(() => {
  process.env = saved;
});

/** A program that says what version it is. */
function program(name: string, says: string, trailer = ''): string {
  const path = join(bin, name);
  writeFileSync(path, `#!/bin/sh\necho '${says}'\nexit 0\n${trailer}`);
  chmodSync(path, 0o755);
  return path;
}

test('a server on the PATH that is new enough is taken, and nothing is made', () => {
  const s3 = program('minio', 'minio version RELEASE.2025-10-15T17-29-55Z (commit-id=9e49d5e7)');
  const server = program('temporal', 'temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)');
  assert.deepEqual([minioBinary(), temporalBinary()], [s3, server]);
  for (const part of [minio, temporal]) {
    assert.ok(part.isReady(), part.name);
    assert.deepEqual(part.settings?.(), []);
  }
});

test('one that is too old, or does not run, is named, and another is made', () => {
  const s3 = program('minio', 'minio version RELEASE.2025-09-07T16-13-09Z (commit-id=07c3a42)');
  assert.ok(!minio.isReady());
  assert.match(minioBinary(), /cache\/bin\/minio-2026/);
  assert.deepEqual(
    minio.settings?.().map(({ ok, detail }) => [ok, detail]),
    [
      [
        true,
        `the MinIO on the PATH (${s3}) is version 2025-09-07T16-13-09Z, and Rapt needs 2025-10-15T17-29-55Z or ` +
          'later, whose keys keep to their policies: set-up provides another',
      ],
    ],
  );
  const server = program('temporal', 'temporal version 0.13.1 (Server 1.24.2, UI 2.28.0)');
  assert.match(
    temporal.settings?.()[0]?.detail ?? '',
    /is version 1\.24\.2, and Rapt needs a server of 1\.29\.1 or later, for its worker deployments/,
  );
  writeFileSync(server, '#!/bin/sh\nexit 1\n');
  assert.match(temporal.settings?.()[0]?.detail ?? '', /does not run: set-up provides another/);
});

test('one on the PATH whose version is old or unknown is not taken', () => {
  program('temporal', 'temporal version 0.11.0 (server 1.22.4) (ui 2.10.3)');
  program('minio', 'minio version DEVELOPMENT.GOGET (commit-id=DEVELOPMENT.GOGET)');
  assert.match(temporal.settings?.()[0]?.detail ?? '', /is version 1\.22\.4, and Rapt needs a server of/);
  assert.match(minio.settings?.()[0]?.detail ?? '', /is version minio version DEVELOPMENT\.GOGET .*, and Rapt needs/);
  program('temporal', 'temporal of a new kind');
  for (const path of [temporalBinary(), minioBinary()]) assert.match(path, /cache\/bin\//);
  // Somebody who names it knows what it is.
  process.env['RAPT_MINIO_BIN'] = join(bin, 'minio');
  assert.equal(minio.settings?.()[0]?.ok, true);
});

test('one that the environment names is taken, or refused with the reason', () => {
  process.env['RAPT_MINIO_BIN'] = program('mine', 'minio version RELEASE.2026-01-01T00-00-00Z');
  assert.equal(minioBinary(), join(bin, 'mine'));
  assert.ok(minio.isReady());
  program('mine', 'minio version RELEASE.2024-01-01T00-00-00Z');
  assert.match(
    minio.settings?.()[0]?.detail ?? '',
    /RAPT_MINIO_BIN names \S+mine, which is version 2024-01-01T00-00-00Z, and Rapt needs/,
  );
  assert.equal(minio.settings?.()[0]?.ok, false);
  process.env['RAPT_TEMPORAL_BIN'] = join(bin, 'nowhere');
  assert.deepEqual(temporal.settings?.(), [
    {
      what: 'RAPT_TEMPORAL_BIN',
      ok: false,
      detail: `RAPT_TEMPORAL_BIN names ${join(bin, 'nowhere')}, which is not there or does not run`,
      fix: 'set it to a Temporal program, or leave it unset',
    },
  ]);
});

test('a MinIO that `go install` built is known by its commit, and any other by what it prints', () => {
  const says = 'minio version DEVELOPMENT.GOGET (commit-id=DEVELOPMENT.GOGET)';
  const trailer = 'mod\tgithub.com/minio/minio\tv0.0.0-20240102030405-7aac2a2c5b7c\th1:x=\n';
  assert.equal(minioVersion(program('minio', says, trailer)), '2024-01-02T03-04-05Z');
  assert.ok(!minio.isReady());
  assert.equal(minioVersion(program('other', says)), says);
  const named = program('old', 'minio-2030-01-01T00-00-00Z version RELEASE.2024-01-02T03-04-05Z (commit-id=x)');
  assert.equal(minioVersion(named), '2024-01-02T03-04-05Z');
  assert.equal(minioVersion(join(bin, 'nowhere')), null);
});

test('a MinIO that an earlier Rapt built of the same source is taken over, another is not', async () => {
  const work = {} as never;
  mkdirSync(join(folder, 'cache', 'bin'), { recursive: true });
  const earlier = join(folder, 'cache', 'bin', 'minio');
  const trailer =
    'mod\tgithub.com/minio/minio\tv0.0.0-20260212201848-7aac2a2c5b7c\t' +
    'h1:/qdoYujxF5MBLDMVLeiYJ/7fBa1HikX39Dvzb9Ji8pA=\n';
  writeFileSync(earlier, `#!/bin/sh\nexit 0\n${trailer}`, { mode: 0o755 });
  await minio.install(work);
  assert.equal(minioVersion(minioBinary()), '2026-02-12T20-18-48Z');
});

describe('a MinIO that is built', () => {
  const SUM = 'h1:/qdoYujxF5MBLDMVLeiYJ/7fBa1HikX39Dvzb9Ji8pA=';
  const told: string[] = [];
  const work = () => new Work({ name: 'minio', signal: new AbortController().signal, tell: (text) => told.push(text) });

  /** A Go that has fetched a module of this sum, and builds a program that says this version. */
  function goes({ sum = SUM, version = '2026-02-12T20-18-48Z' }): void {
    process.env['RAPT_CACHE'] = mkdtempSync(join(folder, 'cache-'));
    process.env['GOFLAGS'] = '-insecure';
    const path = join(bin, 'go');
    writeFileSync(
      path,
      `#!/bin/sh
[ "$GOFLAGS" = -mod=readonly ] || { echo "GOFLAGS is $GOFLAGS"; exit 1; }
case "$1" in
  mod) echo 'go: downloading a/module v1.0.0' >&2; echo '{"Dir": "${bin}", "Sum": "${sum}"}' ;;
  list) echo 'go: downloading another/module v1.0.0' >&2; printf '.\\n.\\n' ;;
  build)
    echo 'a/package' >&2
    while [ "$1" != -o ]; do shift; done
    printf '#!/bin/sh\\necho minio version DEVELOPMENT.${version}\\n' > "$2"
    chmod 755 "$2" ;;
esac
`,
    );
    chmodSync(path, 0o755);
  }

  it('is of the pinned source, whatever the user has set for Go, and tells how far it is', async () => {
    goes({});
    await minio.install(work());
    assert.equal(minioVersion(minioBinary()), '2026-02-12T20-18-48Z');
    assert.deepEqual(told, ['1 of 242 modules', '1 of 2 packages compiled']);
  });

  it('is not used when its source, or what it says of itself, is another one', async () => {
    goes({ sum: 'h1:another=' });
    await assert.rejects(
      minio.install(work()),
      /has the sum h1:another= instead of the pinned h1:\/qdo.*; it was not used/,
    );
    goes({ version: '2025-01-01T00-00-00Z' });
    const reason =
      /the MinIO that was built says that it is 2025-01-01T00-00-00Z instead of 2026-02-12T20-18-48Z; it was not used/;
    await assert.rejects(minio.install(work()), reason);
    assert.equal(minioVersion(minioBinary()), null);
  });
});
