/** Garbage collection: what no run refers to. */
import { IMPORT_MARK, keys, type ReleaseRef } from '../contracts/index.ts';
import { CheckpointPointerCell } from './pointer.ts';
import { keptCheckpoints } from './retention.ts';
import { readRunManifest } from './run-manifest.ts';
import type { ListedObject, ObjectStore, UnfinishedUpload } from './store.ts';

export interface GarbageOptions {
  /** What was changed after this time stays: it may be about to be referred to. */
  readonly beforeMs: number;
  /** Asked after everything was listed, before anything is removed: the runs that have not ended. Whatever one of them may come to need stays. */
  readonly openRuns: () => Promise<readonly { readonly tenant: string; readonly run: string }[]>;
}

export interface Garbage {
  readonly objects: readonly ListedObject[];
  readonly uploads: readonly UnfinishedUpload[];
  /** Objects that were looked at. */
  readonly examined: number;
}

/** Finds what can be removed; removes nothing. Kept are pointers, manifests, results and reports, always; every checkpoint that a pointer or a
 *  manifest names; every release and adapter that one names, and every imported adapter; everything of a run that is open, and all releases and adapters of its tenant.
 *  @throws RaptError corruptArtifact when a pointer or manifest cannot be read: what it refers to is then unknown. */
export async function findGarbage(store: ObjectStore, { beforeMs, openRuns }: GarbageOptions): Promise<Garbage> {
  const listed: ListedObject[] = [];
  for await (const object of store.list('')) listed.push(object);
  const uploads = await store.unfinishedUploads('');

  const keptKeys = new Set<string>();
  const keptPrefixes = new Set<string>();
  const keepRelease = (tenant: string, digest: ReleaseRef['digest']): unknown => keptPrefixes.add(keys.releasePrefix(tenant, digest));
  for (const { key } of listed) {
    if (key.startsWith('adapters/') && key.endsWith(`/${IMPORT_MARK}`)) keptPrefixes.add(key.slice(0, -IMPORT_MARK.length));
    const [, tenant, run, file] = /^runs\/([^/]+)\/(.+)\/(latest|manifest)\.json$/.exec(key) ?? [];
    if (tenant === undefined || run === undefined) continue;
    if (file === 'latest') {
      const pointer = (await CheckpointPointerCell.open(store, tenant, run)).current;
      if (pointer === null) continue;
      keepRelease(tenant, pointer.release);
      for (const { files } of keptCheckpoints(pointer)) for (const ref of Object.values(files)) keptKeys.add(ref.key);
    } else {
      const manifest = await readRunManifest(store, tenant, run);
      if (manifest === null) continue;
      const { release, checkpoint, adapter, predictions } = manifest;
      keepRelease(tenant, release.digest);
      keptPrefixes.add(keys.adapterPrefix(tenant, adapter.digest));
      for (const ref of [...Object.values(checkpoint.files), predictions]) keptKeys.add(ref.key);
    }
  }

  const open = await openRuns();
  for (const { tenant, run } of open) for (const prefix of [keys.runPrefix(tenant, run), `releases/${tenant}/`, `adapters/${tenant}/`]) keptPrefixes.add(prefix);
  const isKept = (key: string): boolean => keptKeys.has(key) || [...keptPrefixes].some((prefix) => key.startsWith(prefix));
  return {
    objects: listed.filter(({ key, changedMs }) => changedMs < beforeMs && COLLECTABLE.test(key) && !isKept(key)),
    uploads: uploads.filter(({ key, startedMs }) => startedMs < beforeMs && !open.some(({ tenant, run }) => key.startsWith(keys.runPrefix(tenant, run)) || key.startsWith(`releases/${tenant}/`))),
    examined: listed.length,
  };
}

const COLLECTABLE = /^(releases|adapters)\/|^runs\/.+\/(checkpoints|predictions)\//;

/** A release's manifest goes before its shards: what has a manifest is whole. */
export async function removeGarbage(store: ObjectStore, { objects, uploads }: Garbage): Promise<void> {
  const manifestsFirst = [...objects].sort((a, b) => Number(b.key.endsWith('/manifest.json')) - Number(a.key.endsWith('/manifest.json')));
  for (const { key } of manifestsFirst) await store.remove(key);
  for (const upload of uploads) await store.abortUpload(upload);
}
