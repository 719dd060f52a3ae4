import { join } from 'node:path';
import {
  ADAPTER_FILES,
  ErrorKind,
  RaptError,
  keys,
  type AdapterFile,
  type AssembledAdapter,
  type GpuActivities,
} from '../../contracts/index.ts';
import { readBackboneConfig } from '../../rapt/backbone/index.ts';
import {
  adapterCard,
  adapterDigest,
  encodeAdapter,
  readCheckpoint,
  trainingDigest,
  writeFiles,
} from '../../rapt/tuning/index.ts';
import { CheckpointPointerCell, putFiles } from '../../storage/index.ts';
import { codeVersion } from '../../system/index.ts';
import { removeUnnamed } from './checkpoints.ts';
import { fetchCheckpoint, fetchRelease, requireBackbone } from './fetch.ts';
import type { GpuDependencies } from './train.ts';

/** The `assembleAdapter` activity: what inference needs of the final checkpoint, stored under the digest of its own
 *  content. */
export async function assembleAdapter(
  { store, scratch }: GpuDependencies,
  { run, tenant, release, tuning, backbone: name }: Parameters<GpuActivities['assembleAdapter']>[0],
): Promise<AssembledAdapter> {
  const { manifest } = await fetchRelease(store, scratch, tenant, release);
  const backbone = await requireBackbone(name, manifest.backbone.sha256);
  const digest = trainingDigest(release.digest, backbone.sha256, tuning);
  const pointer = (await CheckpointPointerCell.open(store, tenant, run)).current;
  if (!pointer || pointer.trainingDigest !== digest || pointer.newest.step !== pointer.totalSteps)
    throw new RaptError(
      ErrorKind.notFound,
      `run ${run} has no final checkpoint of this configuration; resume it by \`rapt resume ${run}\``,
    );

  // The pointer has come to its end and moves no more, so that what it does not name is of no use to anybody.
  await removeUnnamed(store, tenant, run, pointer);

  return scratch.attempt(async (folder) => {
    const source = join(folder, 'checkpoint');
    await fetchCheckpoint(store, source, { tenant, run }, pointer.newest);
    const { parameters, state } = readCheckpoint(source);
    const card = adapterCard({ manifest, release: release.digest, backbone, tuning });
    const files = encodeAdapter(parameters, card, readBackboneConfig(backbone.folder));
    const target = join(folder, 'adapter');
    writeFiles(target, files);
    const adapter = adapterDigest(files);
    const paths = Object.fromEntries(ADAPTER_FILES.map((file) => [file, join(target, file)])) as Record<
      AdapterFile,
      string
    >;
    const refs = await putFiles(store, keys.adapterPrefix(tenant, adapter), paths);
    return {
      adapter: { digest: adapter, files: refs },
      checkpoint: pointer.newest,
      code: codeVersion(),
      history: state.history,
    };
  });
}
