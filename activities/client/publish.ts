import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import pMap from 'p-map';
import {
  ErrorKind,
  keys,
  MANIFEST_FILE,
  RaptError,
  type ArtifactRef,
  type ReleaseRef,
  type Sha256,
} from '../../contracts/index.ts';
import { releaseFolder, tenantFolder } from '../../rapt/home.ts';
import { Ledger } from '../../rapt/ledger/index.ts';
import { openRelease } from '../../rapt/release/index.ts';
import { contentTypeOf } from '../../storage/index.ts';
import { inSpan } from '../../telemetry/index.ts';
import { beat } from '../heartbeat.ts';
import { claimTenant } from './admission/one-home.ts';
import type { ClientDependencies } from './dependencies.ts';

/** Shards that go up at the same time: enough to fill a line with small ones, little to send again after a kill. */
const CONCURRENT_UPLOADS = 4;

/** Uploads a complete release as it lies on the disk, after the ledger has it, its manifest last: whoever sees the
 *  manifest can read every shard.
 *  @param verify reads back what is there already, and replaces what is damaged. */
export async function publishRelease(
  { store, home }: ClientDependencies,
  tenant: string,
  localKey: string,
  digest: Sha256,
  { verify }: { verify?: boolean | undefined } = {},
): Promise<ReleaseRef> {
  const folder = releaseFolder(home, tenant, localKey);
  const release = await openRelease(folder);
  if (release?.digest !== digest)
    throw new RaptError(
      ErrorKind.corruptArtifact,
      `the release ${digest} is not on this client any more; run the client worker with the home folder in which ` +
        'it was drawn',
    );
  await claimTenant({ store, home }, tenant);
  await new Ledger(tenantFolder(home, tenant)).release(localKey, digest, release.manifest.tokens);
  const { cancellationSignal } = Context.current();
  const prefix = keys.releasePrefix(tenant, digest);
  const upload = (file: string): Promise<ArtifactRef> =>
    inSpan('upload', async (span) => {
      const stored = await store.put(
        prefix + file,
        { file: join(folder, file) },
        { contentType: contentTypeOf(file), verify },
      );
      span.measure({ bytes: stored.sizeBytes });
      return stored;
    });
  let uploaded = 0;
  // A window that slides over the shards, however many there are.
  await pMap(
    release.manifest.shards,
    async ({ file }) => {
      cancellationSignal.throwIfAborted();
      await upload(file);
      beat({ uploaded: ++uploaded, shards: release.manifest.shards.length });
    },
    { concurrency: CONCURRENT_UPLOADS },
  );
  return { digest, manifest: await upload(MANIFEST_FILE) };
}
