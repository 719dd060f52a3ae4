import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import pMap from 'p-map';
import {
  ADAPTER_FILES,
  CHECKPOINT_FILES,
  ErrorKind,
  MANIFEST_FILE,
  RaptError,
  keys,
  releaseManifestSchema,
  type AdapterRef,
  type ArtifactRef,
  type ReleaseManifest,
  type ReleaseRef,
  type Sha256,
  type StoredCheckpoint,
} from '../../contracts/index.ts';
import { locateBackbone, type BackboneFiles } from '../../rapt/backbone/index.ts';
import { parseJson } from '../../rapt/json.ts';
import type { ObjectStore } from '../../storage/index.ts';
import { makeFolder, sha256File } from '../../system/index.ts';
import { inSpan } from '../../telemetry/index.ts';
import { assertAdapterRef, assertCheckpoint, assertManifest, assertReleaseRef } from './references.ts';
import type { Scratch } from './scratch.ts';

export interface FetchedRelease {
  readonly folder: string;
  readonly manifest: ReleaseManifest;
}

/** Shards that are fetched at the same time. */
const CONCURRENT_FETCHES = 4;

/** Brings a release to the local disk, every byte checked against the digests that its reference and manifest promise.
 *  What is already there is checked again and not sent again. @throws RaptError releaseDamaged when the store has other
 *  bytes, or none; badInput when it is not a release of this tenant. */
export async function fetchRelease(
  store: ObjectStore,
  scratch: Scratch,
  tenant: string,
  release: ReleaseRef,
): Promise<FetchedRelease> {
  assertReleaseRef(store.bucket, tenant, release);
  try {
    return await inSpan('fetch release', () => fetchAll(store, scratch, tenant, release));
  } catch (error) {
    if (
      !(error instanceof RaptError) ||
      (error.kind !== ErrorKind.corruptArtifact && error.kind !== ErrorKind.notFound)
    )
      throw error;
    throw new RaptError(ErrorKind.releaseDamaged, `the release is not whole in the store: ${error.message}`, {
      cause: error,
    });
  }
}

async function fetchAll(
  store: ObjectStore,
  scratch: Scratch,
  tenant: string,
  release: ReleaseRef,
): Promise<FetchedRelease> {
  const manifest = parseManifest(await store.get(release.manifest));
  assertManifest(tenant, manifest);
  const folder = scratch.release(tenant, release.digest);
  await scratch.attempt(async (incoming) => {
    const fetchFile = async (ref: ArtifactRef, file: string): Promise<void> => {
      Context.current().cancellationSignal.throwIfAborted();
      const path = join(folder, file);
      if (existsSync(path) && (await sha256File(path)).sha256 === ref.sha256) return;
      // By way of the attempt's folder: a killed attempt leaves nothing among the releases.
      await store.getToFile(ref, join(incoming, file));
      renameSync(join(incoming, file), path);
    };
    const prefix = keys.releasePrefix(tenant, release.digest);
    await pMap(
      manifest.shards,
      ({ file, sha256, sizeBytes }) => fetchFile({ bucket: store.bucket, key: prefix + file, sha256, sizeBytes }, file),
      {
        concurrency: CONCURRENT_FETCHES,
      },
    );
    await fetchFile(release.manifest, MANIFEST_FILE);
  });
  return { folder, manifest };
}

/** The bytes are those that the reference promises, so a manifest of another form was not damaged on its way: the
 *  request is wrong. */
function parseManifest(bytes: Buffer): ReleaseManifest {
  const found = releaseManifestSchema.safeParse(parseJson(bytes.toString('utf8')));
  if (!found.success)
    throw new RaptError(
      ErrorKind.badInput,
      'this request names a release whose manifest is none: fields are missing, or of another form; ' +
        'start the run again',
    );
  return found.data;
}

/** @param of the run that the checkpoint must belong to. @throws RaptError badInput unless all of its files are that
 *  run's. */
export async function fetchCheckpoint(
  store: ObjectStore,
  folder: string,
  of: { readonly tenant: string; readonly run: string },
  checkpoint: StoredCheckpoint,
): Promise<void> {
  assertCheckpoint(store.bucket, of, checkpoint);
  const { files } = checkpoint;
  makeFolder(folder);
  await inSpan('fetch checkpoint', async () => {
    for (const file of CHECKPOINT_FILES) await store.getToFile(files[file], join(folder, file));
  });
}

/** @throws RaptError badInput unless it is an adapter of this tenant. */
export async function fetchAdapter(
  store: ObjectStore,
  folder: string,
  tenant: string,
  adapter: AdapterRef,
): Promise<void> {
  assertAdapterRef(store.bucket, tenant, adapter);
  makeFolder(folder);
  for (const file of ADAPTER_FILES) await store.getToFile(adapter.files[file], join(folder, file));
}

/** The worker's backbone under this name. @throws RaptError badInput unless it has the very weights that the release
 *  was made for. */
export async function requireBackbone(name: string, sha256: Sha256): Promise<BackboneFiles> {
  const backbone = await locateBackbone(name);
  if (backbone.sha256 !== sha256)
    throw new RaptError(
      ErrorKind.badInput,
      `backbone "${name}" has other weights here (sha256 ${backbone.sha256}) ` +
        `than where the text was privatized (${sha256}); ` +
        `give both sides the same model.safetensors${pinned(backbone)}`,
    );
  return backbone;
}

/** Advice to name a commit: a branch of the hub may have moved between two fetches. */
const pinned = ({ name, commit }: BackboneFiles): string =>
  commit === null || name.includes('@')
    ? ''
    : `, such as by the revision that both name: this side has ${name}@${commit}`;
