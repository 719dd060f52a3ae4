/** manifest.json of a run: every artifact that the run made, by digest, and what it was made from. */
import {
  ErrorKind,
  keys,
  RaptError,
  releaseManifestSchema,
  runManifestSchema,
  type ArtifactRef,
  type RunManifest,
} from '../contracts/index.ts';
import { readDigested, withDigest } from './digested-json.ts';
import type { ObjectStore } from './store.ts';

export async function writeRunManifest(
  store: ObjectStore,
  tenant: string,
  run: string,
  manifest: RunManifest,
): Promise<void> {
  await store.put(keys.runManifest(tenant, run), withDigest(manifest), { contentType: 'application/json' });
}

/** The manifest of a run; null when the run has not finished. @throws RaptError corruptArtifact when the manifest was
 *  changed or damaged. */
export async function readRunManifest(store: ObjectStore, tenant: string, run: string): Promise<RunManifest | null> {
  const key = keys.runManifest(tenant, run);
  const damaged = (cause: unknown): RaptError =>
    new RaptError(
      ErrorKind.corruptArtifact,
      `"${key}" in bucket "${store.bucket}" is not a run's manifest, or was damaged`,
      { cause },
    );
  return (await readDigested(store, key, (content) => runManifestSchema.parse(content), damaged))?.content ?? null;
}

/** All artifacts of a finished run, those of its release included. */
export async function artifactsOf(
  store: ObjectStore,
  tenant: string,
  manifest: RunManifest,
): Promise<{ readonly what: string; readonly ref: ArtifactRef }[]> {
  const { release, checkpoint, adapter, predictions, report, reportFiles, result } = manifest;
  const found = [
    { what: 'release manifest', ref: release.manifest },
    ...Object.entries(checkpoint.files).map(([file, ref]) => ({ what: `checkpoint ${file}`, ref })),
    ...Object.entries(adapter.files).map(([file, ref]) => ({ what: `adapter ${file}`, ref })),
    { what: 'predictions', ref: predictions },
    { what: 'report', ref: report },
    ...Object.entries(reportFiles ?? {}).map(([file, ref]) => ({ what: file, ref })),
    { what: 'result', ref: result },
  ];
  const bytes = await store.get(release.manifest).catch(() => null);
  // Whoever checks the artifacts finds that the release's manifest, the first of them, cannot be read.
  if (bytes === null) return found;
  const { shards } = releaseManifestSchema.parse(JSON.parse(bytes.toString('utf8')));
  const prefix = keys.releasePrefix(tenant, release.digest);
  const { bucket } = release.manifest;
  return [
    ...found,
    ...shards.map(({ file, sha256, sizeBytes }) => ({
      what: `release ${file}`,
      ref: { bucket, key: prefix + file, sha256, sizeBytes },
    })),
  ].sort((a, b) => (a.what < b.what ? -1 : 1));
}
