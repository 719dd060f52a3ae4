import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  ADAPTER_FILES,
  CHECKPOINT_FILES,
  ErrorKind,
  MANIFEST_FILE,
  RaptError,
  keys,
  releaseManifestSchema,
  type AdapterRef,
  type CheckpointPointer,
  type ReleaseManifest,
  type ReleaseRef,
  type Sha256,
} from '../../contracts/index.ts';
import { locateBackbone, type BackboneFiles } from '../../rapt/backbone/index.ts';
import type { ObjectStore } from '../../storage/index.ts';
import { sha256File } from '../../system/index.ts';

export interface FetchedRelease {
  readonly folder: string;
  readonly manifest: ReleaseManifest;
}

/** Brings a release to the local disk, every byte checked against the digests that its reference and manifest promise.
 *  What is already there is checked again and not sent again. */
export async function fetchRelease(store: ObjectStore, releases: string, tenant: string, release: ReleaseRef): Promise<FetchedRelease> {
  if (release.digest !== release.manifest.sha256)
    throw new RaptError(ErrorKind.corruptArtifact, `release ${release.digest} does not name its own manifest; publish it again`);
  const manifest = releaseManifestSchema.parse(JSON.parse((await store.get(release.manifest)).toString('utf8')));
  const folder = join(releases, release.digest);
  mkdirSync(folder, { recursive: true });
  for (const { file, sha256, sizeBytes } of manifest.shards)
    await fetchFile(store, { bucket: store.bucket, key: keys.releasePrefix(tenant, release.digest) + file, sha256, sizeBytes }, join(folder, file));
  await fetchFile(store, release.manifest, join(folder, MANIFEST_FILE));
  return { folder, manifest };
}

export async function fetchCheckpoint(store: ObjectStore, folder: string, pointer: CheckpointPointer): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const file of CHECKPOINT_FILES) await store.getToFile(pointer.files[file], join(folder, file));
}

export async function fetchAdapter(store: ObjectStore, folder: string, adapter: AdapterRef): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const file of ADAPTER_FILES) await store.getToFile(adapter.files[file], join(folder, file));
}

/** The worker's backbone under this name. @throws RaptError badInput unless it has the very weights that the release was made for. */
export async function requireBackbone(name: string, sha256: Sha256): Promise<BackboneFiles> {
  const backbone = await locateBackbone(name);
  if (backbone.sha256 !== sha256)
    throw new RaptError(
      ErrorKind.badInput,
      `backbone "${name}" has other weights here (sha256 ${backbone.sha256}) than where the text was privatized (${sha256}); give both sides the same model.safetensors`,
    );
  return backbone;
}

async function fetchFile(store: ObjectStore, ref: Parameters<ObjectStore['get']>[0], path: string): Promise<void> {
  if (existsSync(path) && (await sha256File(path)).sha256 === ref.sha256) return;
  await store.getToFile(ref, path);
}
