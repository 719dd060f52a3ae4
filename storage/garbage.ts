/** Garbage collection: finds and removes what no run refers to. */
import { IMPORT_MARK, keys, parseKey, type StoredKey } from '../contracts/index.ts';
import { CheckpointPointerCell } from './checkpoint-pointer.ts';
import { keptCheckpoints } from './kept-checkpoints.ts';
import { readRunManifest } from './run-manifest.ts';
import type { ListedObject, ObjectStore, UnfinishedUpload } from './store.ts';

export interface GarbageOptions {
  /** An object that was changed after this time stays: something may be about to refer to it. */
  readonly beforeMs: number;
  /** The runs that have not ended; whatever one of them may come to need stays. Called after everything was listed and
   *  before anything is removed. */
  readonly openRuns: () => Promise<readonly { readonly tenant: string; readonly run: string }[]>;
}

export interface Garbage {
  readonly objects: readonly ListedObject[];
  readonly uploads: readonly UnfinishedUpload[];
  /** How many objects were looked at. */
  readonly examined: number;
}

/** Finds what can be removed; removes nothing. These stay: all pointers, manifests, results, reports and marks of
 *  clients; every checkpoint, release and adapter that a pointer or a manifest names; every imported adapter;
 *  everything of a run that is open, and all releases and adapters of its tenant.
 *  @throws RaptError corruptArtifact when a pointer or manifest cannot be read: it is then unknown what it refers
 *  to. */
export async function findGarbage(store: ObjectStore, { beforeMs, openRuns }: GarbageOptions): Promise<Garbage> {
  const listed: (ListedObject & { readonly of: StoredKey | null })[] = [];
  for await (const object of store.list('')) listed.push({ ...object, of: parseKey(object.key) });
  const uploads = await store.unfinishedUploads('');
  const named = await namedObjects(store, listed);
  const open = await openRuns();
  const isOpen = ofOpenRun(open);
  return {
    objects: listed.filter(
      ({ key, changedMs, of }) =>
        changedMs < beforeMs && isCollectable(of) && !isOpen(of) && !named.has(wholeOf(key, of)),
    ),
    uploads: uploads.filter(({ key, startedMs }) => startedMs < beforeMs && !isOpen(parseKey(key))),
    examined: listed.length,
  };
}

/** What pointers, manifests and marks name, in the terms of `wholeOf`. */
async function namedObjects(
  store: ObjectStore,
  listed: readonly { readonly of: StoredKey | null }[],
): Promise<ReadonlySet<string>> {
  const named = new Set<string>();
  for (const { of } of listed) {
    if (of?.kind === 'adapter' && of.file === IMPORT_MARK) named.add(keys.adapterPrefix(of.tenant, of.digest));
    if (of?.kind === 'pointer') {
      const pointer = (await CheckpointPointerCell.open(store, of.tenant, of.run)).current;
      if (pointer === null) continue;
      named.add(keys.releasePrefix(of.tenant, pointer.release));
      for (const { files } of keptCheckpoints(pointer)) for (const ref of Object.values(files)) named.add(ref.key);
    }
    if (of?.kind === 'manifest') {
      const manifest = await readRunManifest(store, of.tenant, of.run);
      if (manifest === null) continue;
      const { release, checkpoint, adapter, predictions } = manifest;
      named.add(keys.releasePrefix(of.tenant, release.digest)).add(keys.adapterPrefix(of.tenant, adapter.digest));
      for (const ref of [...Object.values(checkpoint.files), predictions]) named.add(ref.key);
    }
  }
  return named;
}

/** What must be named for an object to stay: its release or its adapter as a whole, or else the object itself. */
function wholeOf(key: string, of: StoredKey | null): string {
  if (of?.kind === 'release') return keys.releasePrefix(of.tenant, of.digest);
  return of?.kind === 'adapter' ? keys.adapterPrefix(of.tenant, of.digest) : key;
}

const isCollectable = (of: StoredKey | null): boolean => of !== null && COLLECTABLE.includes(of.kind);
const COLLECTABLE: readonly StoredKey['kind'][] = ['release', 'adapter', 'checkpoint', 'predictions'];

/** Tells of an object whether a run that has not ended may come to need it. */
function ofOpenRun(
  open: readonly { readonly tenant: string; readonly run: string }[],
): (of: StoredKey | null) => boolean {
  const tenants = new Set(open.map(({ tenant }) => tenant));
  const runs = new Set(open.map(({ tenant, run }) => keys.runPrefix(tenant, run)));
  return (of) => of !== null && ('run' in of ? runs.has(keys.runPrefix(of.tenant, of.run)) : tenants.has(of.tenant));
}

/** Removes garbage. The manifest of a release goes before its shards, so that a release with a manifest is always
 *  whole. */
export async function removeGarbage(store: ObjectStore, { objects, uploads }: Garbage): Promise<void> {
  const manifestsFirst = [...objects].sort(
    (a, b) => Number(b.key.endsWith('/manifest.json')) - Number(a.key.endsWith('/manifest.json')),
  );
  for (const { key } of manifestsFirst) await store.remove(key);
  for (const upload of uploads) await store.abortUpload(upload);
}
