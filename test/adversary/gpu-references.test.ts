/** Requests as somebody would write them who wants a GPU worker to work on what is another tenant's, or to write
 *  outside of its folders. The worker's own keys cover all tenants, so that nothing but these checks is between
 *  them. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { fetchAdapter, fetchCheckpoint, fetchRelease } from '../../activities/gpu/fetch.ts';
import { createGpuActivities, Scratch, type GpuDependencies } from '../../activities/gpu/index.ts';
import { findStart } from '../../activities/gpu/starting-checkpoint.ts';
import {
  ADAPTER_FILES,
  canonicalJson,
  CHECKPOINT_FILES,
  ErrorKind,
  keys,
  RaptError,
  type AdapterRef,
  type ArtifactRef,
  type CheckpointPointer,
  type ReleaseManifest,
  type ReleaseRef,
  type Sha256,
  type StoredCheckpoint,
} from '../../contracts/index.ts';
import type { CheckpointPointerCell, ObjectStore } from '../../storage/index.ts';
import { pointerWith, sha } from '../support/checkpoints.ts';
import { temporaryFolder } from '../support/folder.ts';
import { smallReport } from '../support/reports.ts';

const BUCKET = 'rapt-test';
const objects = new Map<string, Buffer>();
const digestOf = (bytes: Buffer): Sha256 => createHash('sha256').update(bytes).digest('hex') as Sha256;

/** Gives whoever asks whatever lies at a key, as the store does for a GPU worker. */
const store = {
  bucket: BUCKET,
  get: ({ key }: ArtifactRef) => Promise.resolve(objects.get(key)!),
  getToFile: ({ key }: ArtifactRef, path: string) => writeFile(path, objects.get(key)!),
  read: () => Promise.resolve(null),
} as unknown as ObjectStore;

function put(key: string, bytes: Buffer): ArtifactRef {
  objects.set(key, bytes);
  return { bucket: BUCKET, key, sha256: digestOf(bytes), sizeBytes: bytes.length };
}

function publish(
  tenant: string,
  {
    file = 'train-00000.parquet',
    split = 'train',
    owner = tenant,
  }: { file?: string; split?: 'train' | 'test'; owner?: string } = {},
): ReleaseRef {
  const { guarantee } = smallReport;
  const shard = Buffer.from(`shard of ${tenant}`);
  const manifest: ReleaseManifest = {
    format: 'rapt-release/1',
    tenant: owner,
    backbone: { name: 'tiny', sha256: sha('1'), hiddenSize: 4, vocabularySize: 10 },
    classes: ['a', 'b'],
    classCounts: [1, 0],
    pair: false,
    maxTokens: 8,
    plain: false,
    guarantee,
    rows: { train: 1, test: 0 },
    tokens: 3,
    shards: [{ file, split, rows: 1, tokens: 3, sha256: digestOf(shard), sizeBytes: shard.length }],
  };
  const bytes = Buffer.from(canonicalJson(manifest));
  const prefix = keys.releasePrefix(tenant, digestOf(bytes));
  put(prefix + file, shard);
  return { digest: digestOf(bytes), manifest: put(`${prefix}manifest.json`, bytes) };
}

function checkpointOf(tenant: string, run: string, step = 10): StoredCheckpoint {
  const prefix = keys.checkpointPrefix(tenant, run, step, '1-a');
  const files = Object.fromEntries(
    CHECKPOINT_FILES.map((file) => [file, put(prefix + file, Buffer.from(`${tenant} ${run} ${file}`))]),
  ) as StoredCheckpoint['files'];
  return { step, trainingDigest: sha('b'), loss: 1, files };
}

function adapterOf(tenant: string): AdapterRef {
  const digest = sha('d');
  const files = Object.fromEntries(
    ADAPTER_FILES.map((file) => [file, put(keys.adapterPrefix(tenant, digest) + file, Buffer.from(file))]),
  ) as AdapterRef['files'];
  return { digest, files };
}

/** As an activity of this workflow. */
function asked<T>(workflowId: string, body: () => Promise<T>): Promise<T> {
  const nothing = (): undefined => undefined;
  const info = {
    workflowExecution: { workflowId, runId: 'r' },
    heartbeatDetails: undefined,
    taskQueue: 'rapt-gpu',
    currentAttemptScheduledTimestampMs: 0,
  };
  const context = {
    info,
    cancellationSignal: new AbortController().signal,
    heartbeat: nothing,
    log: { info: nothing },
  } as unknown as Context;
  return asyncLocalStorage.run(context, body);
}

const isRefused =
  (said: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof Error);
    const kind = error instanceof RaptError ? error.kind : (error as Error & { type?: string }).type;
    assert.equal(kind, ErrorKind.badInput, error.stack);
    assert.match(error.message, said);
    return true;
  };

describe('a GPU worker that is pointed at a release', () => {
  const scratch = new Scratch(temporaryFolder());
  const fetched = (tenant: string, ref: ReleaseRef): ReturnType<typeof fetchRelease> =>
    asked('run', () => fetchRelease(store, scratch, tenant, ref));

  it("takes the tenant's own, into a folder of that tenant which nobody else may enter", async () => {
    const own = publish('acme');
    const { folder } = await fetched('acme', own);
    assert.equal(folder, join(scratch.releases, 'acme', own.digest));
    assert.deepEqual(readdirSync(folder).sort(), ['manifest.json', 'train-00000.parquet']);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
  });

  it('refuses that of another tenant, also when it lies in its cache', async () => {
    const theirs = publish('other');
    await fetched('other', theirs);
    await assert.rejects(fetched('acme', theirs), isRefused(/names a manifest that does not lie at "releases\/acme\//));
    // Copied below the own prefix by somebody who may write there.
    const copied = put(`${keys.releasePrefix('acme', theirs.digest)}manifest.json`, objects.get(theirs.manifest.key)!);
    await assert.rejects(
      fetched('acme', { digest: theirs.digest, manifest: copied }),
      isRefused(/names a release of another tenant/),
    );
    assert.deepEqual(existsSync(join(scratch.releases, 'acme', theirs.digest)), false);
  });

  it('refuses a manifest of another key, bucket or content', async () => {
    const { digest, manifest } = publish('acme');
    const elsewhere = put('runs/acme/x/manifest.json', objects.get(manifest.key)!);
    for (const ref of [
      { digest, manifest: elsewhere },
      { digest, manifest: { ...manifest, bucket: 'another' } },
      { digest: sha('9'), manifest },
      { digest, manifest: { ...manifest, sha256: sha('9') } },
    ])
      await assert.rejects(fetched('acme', ref), isRefused(/this request names/));
    await assert.rejects(fetched('../acme', { digest, manifest }), isRefused(/a tenant with an impossible name/));
  });

  for (const file of [
    '../../../acme.parquet',
    'train-00000.parquet/../x',
    '/etc/cron.d/x',
    'manifest.json',
    'train-00000.parquet\0',
    'x',
  ])
    it(`refuses a shard called ${JSON.stringify(file)}`, async () => {
      await assert.rejects(fetched('acme', publish('acme', { file })), isRefused(/whose manifest is none/));
    });
  it('refuses a shard of one split under the name of the other', async () => {
    await assert.rejects(
      fetched('acme', publish('acme', { split: 'test' })),
      isRefused(/not called as their split and number/),
    );
  });
});

describe('a GPU worker that is pointed at checkpoints and adapters', () => {
  const folder = (): string => join(temporaryFolder(), 'to');
  const run = { tenant: 'acme', run: 'nightly' };

  it('takes those of the run and of the tenant', async () => {
    await asked('nightly', () => fetchCheckpoint(store, folder(), run, checkpointOf('acme', 'nightly')));
    await fetchAdapter(store, folder(), 'acme', adapterOf('acme'));
  });

  it('refuses those of others, and all else that lies in the store', async () => {
    const own = checkpointOf('acme', 'nightly');
    const state = (ref: Partial<ArtifactRef>): StoredCheckpoint => ({
      ...own,
      files: { ...own.files, 'state.json': { ...own.files['state.json'], ...ref } },
    });
    const theirs = checkpointOf('other', 'nightly').files['state.json'];
    for (const wrong of [
      checkpointOf('other', 'nightly'),
      checkpointOf('acme', 'weekly'),
      state(theirs),
      state({ bucket: 'another' }),
      state({ key: own.files['weights.safetensors'].key }),
      { ...own, step: 11 },
    ])
      await assert.rejects(
        asked('nightly', () => fetchCheckpoint(store, folder(), run, wrong)),
        isRefused(/a file outside of runs\/acme\/nightly\/checkpoints\//),
      );
    const adapter = adapterOf('acme');
    const mixed = { ...adapter, files: { ...adapter.files, 'rapt.json': adapterOf('other').files['rapt.json'] } };
    for (const wrong of [adapterOf('other'), mixed, { ...adapter, digest: sha('e') }])
      await assert.rejects(
        fetchAdapter(store, folder(), 'acme', wrong),
        isRefused(/does not lie at "adapters\/acme\//),
      );
  });

  const startFrom = (current: CheckpointPointer | null, resumeFrom: readonly string[]): Promise<unknown> => {
    const to = folder();
    mkdirSync(to);
    const options = {
      store,
      cell: { current } as unknown as CheckpointPointerCell,
      checkpoints: null as never,
      ...run,
      resumeFrom,
      digests: [sha('b')],
      totalSteps: 100,
      attempt: 1,
      folder: to,
    };
    return asked('nightly', () => findStart(options));
  };
  it("goes on from no pointer that leads to another tenant's", async () => {
    await startFrom(pointerWith({ newest: checkpointOf('acme', 'nightly') }), []);
    await assert.rejects(
      startFrom(pointerWith({ newest: checkpointOf('other', 'nightly') }), []),
      isRefused(/a file outside of/),
    );
  });
  for (const name of ['../other/nightly', 'a//b', './a', '..'])
    it(`goes on from no run called ${name}`, async () => {
      await assert.rejects(startFrom(null, [name]), isRefused(/a run with an impossible id/));
    });
});

describe('a request that is copied into another run', () => {
  const activities = createGpuActivities({
    store,
    scratch: null as never,
    models: null as never,
  } satisfies GpuDependencies);
  const request = {
    run: 'nightly',
    tenant: 'acme',
    backbone: 'tiny',
    release: publish('other'),
    adapter: adapterOf('acme'),
    tuning: null as never,
    untilStep: null,
    resumeFrom: [],
  };

  for (const name of ['train', 'assembleAdapter', 'predict'] as const)
    it(`is refused by ${name}`, async () => {
      await assert.rejects(
        asked<unknown>('another', () => activities[name](request)),
        isRefused(/is of run nightly and was sent by another/),
      );
      // In its own run it comes as far as the release.
      await assert.rejects(
        asked<unknown>('nightly', () => activities[name](request)),
        isRefused(/names a manifest/),
      );
    });
});
