/** The objects that a GPU worker may be asked to use. It works for many tenants, its keys for the store cover all of
 *  them, and its requests are written by others. So each key must be the one that Rapt itself makes for this tenant,
 *  run and content. A request that names another key is wrong, not damaged: it is never tried again, and nothing is
 *  published anew for it. */
import {
  ADAPTER_FILES,
  CHECKPOINT_FILES,
  ErrorKind,
  isTenantName,
  keys,
  MANIFEST_FILE,
  parseKey,
  RaptError,
  type AdapterRef,
  type ArtifactRef,
  type ReleaseManifest,
  type ReleaseRef,
  type StoredCheckpoint,
} from '../../contracts/index.ts';

interface OfRun {
  readonly tenant: string;
  readonly run: string;
}

/** @throws RaptError badInput for a name that would lead out of the run's own place. */
export function assertRun({ tenant, run }: OfRun): void {
  const found = parseKey(keys.checkpointPointer(tenant, run));
  const isPlain = !run.split('/').some((part) => part === '' || part === '.' || part === '..');
  if (!isPlain || found?.kind !== 'pointer' || found.tenant !== tenant || found.run !== run)
    throw refused('names a run with an impossible id');
}

/** Called before anything is read. @param bucket of this worker. @throws RaptError badInput */
export function assertReleaseRef(bucket: string, tenant: string, { digest, manifest }: ReleaseRef): void {
  if (!isTenantName(tenant)) throw refused('names a tenant with an impossible name');
  if (manifest.sha256 !== digest) throw refused(`names the release ${digest} and a manifest of other content`);
  assertPlace('manifest', manifest, bucket, keys.releasePrefix(tenant, digest) + MANIFEST_FILE);
}

/** Called once the manifest was read: a tenant may not have work done on the release of another. @throws RaptError
 *  badInput */
export function assertManifest(
  tenant: string,
  { tenant: owner, shards }: Pick<ReleaseManifest, 'tenant' | 'shards'>,
): void {
  if (owner !== tenant) throw refused(`is of tenant ${tenant} and names a release of another tenant`);
  if (
    shards.some(({ file, split }) => !file.startsWith(`${split}-`)) ||
    new Set(shards.map(({ file }) => file)).size !== shards.length
  )
    throw refused('names a release whose shards are not called as their split and number');
}

/** @param bucket of this worker. @throws RaptError badInput */
export function assertAdapterRef(bucket: string, tenant: string, { digest, files }: AdapterRef): void {
  for (const file of ADAPTER_FILES) assertPlace(file, files[file], bucket, keys.adapterPrefix(tenant, digest) + file);
}

/** @param run the run that the checkpoint must belong to: the one that is trained, or the one of the same tenant that
 *  it goes on from. @throws RaptError badInput */
export function assertCheckpoint(bucket: string, { tenant, run }: OfRun, { step, files }: StoredCheckpoint): void {
  for (const file of CHECKPOINT_FILES) {
    const ref = files[file];
    const found = parseKey(ref.key);
    const isOwn =
      found?.kind === 'checkpoint' &&
      found.tenant === tenant &&
      found.run === run &&
      found.step === step &&
      found.file === file;
    if (!isOwn || ref.bucket !== bucket)
      throw refused(
        `goes on from run ${run}, whose pointer names a file outside of ${keys.checkpointsPrefix(tenant, run)}`,
      );
  }
}

function assertPlace(what: string, ref: ArtifactRef, bucket: string, key: string): void {
  if (ref.bucket !== bucket || ref.key !== key)
    throw refused(`names a ${what} that does not lie at "${key}" of bucket "${bucket}"`);
}

const refused = (why: string): RaptError =>
  new RaptError(
    ErrorKind.badInput,
    `this request ${why}: it was changed on its way, or made for another run; start the run again`,
  );
