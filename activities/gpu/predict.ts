import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { keys, type ArtifactRef, type GpuActivities, type TestMetrics } from '../../contracts/index.ts';
import { readCard } from '../../rapt/tuning/index.ts';
import { CheckpointPointerCell, type ObjectStore } from '../../storage/index.ts';
import { sha256File } from '../../system/index.ts';
import { inSpan } from '../../telemetry/index.ts';
import { beat } from '../heartbeat.ts';
import { fetchAdapter, fetchCheckpoint, fetchRelease, requireBackbone } from './fetch.ts';
import type { GpuDependencies } from './train.ts';

/** The `predict` activity: the adapter's answers for the test split of a release, and how many of its plain tokens are
 *  reconstructed. */
export async function predict(
  { store, scratch, models }: GpuDependencies,
  { run, tenant, backbone: name, release, adapter }: Parameters<GpuActivities['predict']>[0],
): Promise<{ predictions: ArtifactRef; reconstruction: TestMetrics['reconstruction'] }> {
  const context = Context.current();
  const fetched = await fetchRelease(store, scratch, tenant, release);
  const backbone = await requireBackbone(name, fetched.manifest.backbone.sha256);
  return scratch.attempt(async (folder) => {
    const adapterFolder = join(folder, 'adapter');
    await fetchAdapter(store, adapterFolder, tenant, adapter);
    const checkpointFolder = join(folder, 'checkpoint');
    const hasCheckpoint = await fetchFinalCheckpoint(store, tenant, run, adapterFolder, checkpointFolder);
    const outputFile = join(folder, 'predictions.json');
    const outcome = await inSpan('classify', () =>
      models.run({
        signal: context.cancellationSignal,
        job: {
          kind: 'classify',
          backboneFolder: backbone.folder,
          releaseFolder: fetched.folder,
          adapterFolder,
          checkpointFolder: hasCheckpoint ? checkpointFolder : null,
          outputFile,
        },
        onMessage: (message) => beat(message.type === 'rows' ? { rows: message.done } : {}),
      }),
    );
    if (outcome.type === 'stopped') return context.cancelled;
    const { sha256 } = await sha256File(outputFile);
    const predictions = await store.put(keys.predictions(tenant, run, sha256), readFileSync(outputFile), {
      contentType: 'application/json',
    });
    return { predictions, reconstruction: outcome.reconstruction };
  });
}

/** The reconstruction head is not in the adapter; a tuning run still has it in the checkpoint that the adapter was made
 *  from. */
async function fetchFinalCheckpoint(
  store: ObjectStore,
  tenant: string,
  run: string,
  adapterFolder: string,
  folder: string,
): Promise<boolean> {
  const pointer = (await CheckpointPointerCell.open(store, tenant, run)).current;
  if (!pointer || pointer.trainingDigest !== readCard(join(adapterFolder, 'rapt.json')).trainingDigest) return false;
  await fetchCheckpoint(store, folder, { tenant, run }, pointer.newest);
  return true;
}
