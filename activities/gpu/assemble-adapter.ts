import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ADAPTER_FILES,
  ErrorKind,
  RaptError,
  keys,
  type AdapterFile,
  type AssembledAdapter,
  type GpuActivities,
  type Sha256,
} from '../../contracts/index.ts';
import { readBackboneConfig } from '../../rapt/backbone/index.ts';
import { encodeAdapter, readCheckpoint, trainingDigest } from '../../rapt/tuning/index.ts';
import { CheckpointPointerCell, putFiles } from '../../storage/index.ts';
import { codeVersion, sha256Of } from '../../system/index.ts';
import { fetchCheckpoint, fetchRelease, requireBackbone } from './fetch.ts';
import type { GpuDependencies } from './train.ts';

/** The `assembleAdapter` activity: what inference needs of the final checkpoint, stored under the digest of its own content. */
export async function assembleAdapter(
  { store, scratch }: GpuDependencies,
  { run, tenant, release, tuning, backbone: name }: Parameters<GpuActivities['assembleAdapter']>[0],
): Promise<AssembledAdapter> {
  const { manifest } = await fetchRelease(store, scratch, tenant, release);
  const backbone = await requireBackbone(name, manifest.backbone.sha256);
  const digest = trainingDigest(release.digest, backbone.sha256, tuning);
  const pointer = (await CheckpointPointerCell.open(store, tenant, run)).current;
  if (!pointer || pointer.trainingDigest !== digest || pointer.newest.step !== pointer.totalSteps)
    throw new RaptError(ErrorKind.notFound, `run ${run} has no final checkpoint of this configuration; resume it by \`rapt resume ${run}\``);

  return scratch.attempt(async (folder) => {
    const source = join(folder, 'checkpoint');
    await fetchCheckpoint(store, source, pointer.newest);
    const { parameters, state } = readCheckpoint(source);
    const files = encodeAdapter(
      parameters,
      {
        format: 'rapt-adapter/1',
        backbone: { name: backbone.name, sha256: backbone.sha256 },
        method: tuning.method,
        length: tuning.length,
        pooling: 'mean',
        classes: manifest.classes,
        pair: manifest.pair,
        maxTokens: manifest.maxTokens,
        plain: manifest.plain,
        guarantee: manifest.guarantee,
        release: release.digest,
        trainingDigest: digest,
      },
      readBackboneConfig(backbone.folder),
    );
    const target = join(folder, 'adapter');
    mkdirSync(target);
    for (const [file, bytes] of Object.entries(files)) writeFileSync(join(target, file), bytes);
    const adapterDigest = digestOf(files);
    const paths = Object.fromEntries(ADAPTER_FILES.map((file) => [file, join(target, file)])) as Record<AdapterFile, string>;
    const refs = await putFiles(store, keys.adapterPrefix(tenant, adapterDigest), paths);
    return { adapter: { digest: adapterDigest, files: refs }, checkpoint: pointer.newest, code: codeVersion(), history: state.history };
  });
}

/** SHA-256 over the sorted lines "<sha256>  <file>", as `sha256sum` prints them. */
function digestOf(files: Readonly<Record<string, Buffer>>): Sha256 {
  const lines = Object.entries(files)
    .map(([file, bytes]) => `${sha256Of(bytes)}  ${file}\n`)
    .sort();
  return sha256Of(lines.join(''));
}
