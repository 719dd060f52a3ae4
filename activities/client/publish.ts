import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { ErrorKind, keys, MANIFEST_FILE, RaptError, type ReleaseRef, type Sha256 } from '../../contracts/index.ts';
import { openRelease } from '../../rapt/release/index.ts';
import { putFiles, type ObjectStore } from '../../storage/index.ts';

/** Uploads a complete release as it lies on the disk, its manifest last: whoever sees the manifest can read every shard. */
export async function publishRelease(store: ObjectStore, tenant: string, folder: string, digest: Sha256): Promise<ReleaseRef> {
  const release = await openRelease(folder);
  if (release?.digest !== digest)
    throw new RaptError(ErrorKind.corruptArtifact, `the release ${digest} is not on this client any more; run the client worker with the home folder in which it was drawn`);
  const context = Context.current();
  const prefix = keys.releasePrefix(tenant, digest);
  for (const { file } of release.manifest.shards) {
    context.cancellationSignal.throwIfAborted();
    await putFiles(store, prefix, { [file]: join(folder, file) });
    context.heartbeat({ uploaded: file });
  }
  const { [MANIFEST_FILE]: manifest } = await putFiles(store, prefix, { [MANIFEST_FILE]: join(folder, MANIFEST_FILE) });
  return { digest, manifest };
}
