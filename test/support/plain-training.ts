/** The same training in one process: no Temporal, no object store, no checkpoint. The service's time and its results
 *  are held against it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MANIFEST_FILE, releaseManifestSchema, type Sha256, type TuningOptions } from '../../contracts/index.ts';
import { Encoder, locateBackbone } from '../../rapt/backbone/index.ts';
import { Ledger } from '../../rapt/ledger/index.ts';
import { adapterDigest, trainingDigest, TuningSession } from '../../rapt/tuning/index.ts';
import { sha256Of } from '../../system/index.ts';

export interface PlainTraining {
  readonly adapter: Sha256;
  readonly steps: number;
  /** Seconds from the first step to the last. */
  readonly stepSeconds: number;
}

/** Folder of a release that left. @param tenantFolder where the client keeps what is the tenant's. */
export async function releaseFolderOf(tenantFolder: string, digest: string): Promise<string> {
  const entry = (await new Ledger(tenantFolder).releases()).find(({ released }) => released?.digest === digest);
  if (entry === undefined) throw new Error(`release ${digest} is not in the ledger`);
  return join(tenantFolder, 'releases', entry.localKey);
}

/** Trains on releases of one backbone, which is loaded for the first of them. */
export class PlainTrainer {
  readonly #backbone: string;
  #encoder: Encoder | null = null;

  /** @param backbone as in a run's configuration. */
  constructor(backbone: string) {
    this.#backbone = backbone;
  }

  /** @param folder a complete release. */
  async train(folder: string, tuning: TuningOptions): Promise<PlainTraining> {
    const backbone = await locateBackbone(this.#backbone);
    const encoder = (this.#encoder ??= new Encoder(backbone.folder));
    const bytes = readFileSync(join(folder, MANIFEST_FILE));
    const manifest = releaseManifestSchema.parse(JSON.parse(bytes.toString('utf8')));
    const release = sha256Of(bytes);
    const session = await TuningSession.open({
      encoder,
      backboneFolder: backbone.folder,
      releaseFolder: folder,
      manifest,
      options: tuning,
      trainingDigest: trainingDigest(release, backbone.sha256, tuning),
    });
    const start = performance.now();
    await session.train();
    const stepSeconds = (performance.now() - start) / 1000;
    const adapter = adapterDigest(session.encode({ release, backbone }));
    return { adapter, steps: session.stepsDone, stepSeconds };
  }
}
