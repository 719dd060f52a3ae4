/** What the model process keeps in memory from one job to the next: one encoder, and the training that came to a clean
 *  stop on it. */
import type { ReleaseManifest, Sha256, TuningOptions } from '../../../contracts/index.ts';
import type { Encoder } from '../../../rapt/backbone/index.ts';
import { openEncoder, openTrainer, readCheckpoint, type Trainer } from '../../../rapt/tuning/index.ts';
import type { TrainJob } from './protocol.ts';

export class LoadedModel {
  #loaded: { readonly name: string; readonly encoder: Encoder } | null = null;
  #stopped: { readonly trainer: Trainer; readonly trainingDigest: Sha256 } | null = null;

  /** The encoder of a backbone's folder. One that was loaded before for others is freed first: a device may have room
   *  for one alone. */
  async encoder(
    folder: string,
    input: TuningOptions['input'],
    { guarantee }: Pick<ReleaseManifest, 'guarantee'>,
  ): Promise<Encoder> {
    const name = input === 'released' ? folder : `${folder} ${guarantee.mechanism} ${guarantee.eta}`;
    if (this.#loaded?.name === name) return this.#loaded.encoder;
    this.dispose();
    const encoder = await openEncoder(folder, input, guarantee);
    this.#loaded = { name, encoder };
    return encoder;
  }

  /** The training of a job: the very one that stopped where the job begins, else one that is read from its checkpoint.
   *  It is nobody else's until it is handed back by `keep`. */
  async takeTrainer(job: TrainJob, readManifest: (folder: string) => ReleaseManifest): Promise<Trainer> {
    const stopped = this.#stopped;
    this.#stopped = null;
    if (stopped !== null && stopped.trainingDigest === job.trainingDigest && stopped.trainer.step === job.fromStep)
      return stopped.trainer;
    const manifest = readManifest(job.releaseFolder);
    const encoder = await this.encoder(job.backboneFolder, job.options.input, manifest);
    return openTrainer({
      ...job,
      encoder,
      manifest,
      checkpoint: job.checkpointFolder === null ? null : readCheckpoint(job.checkpointFolder),
    });
  }

  /** @param trainer that has come to a clean stop. */
  keep(trainer: Trainer, trainingDigest: Sha256): void {
    this.#stopped = { trainer, trainingDigest };
  }

  /** Frees the weights, which TensorFlow keeps until it is told, and the training that works by them. */
  dispose(): void {
    this.#loaded?.encoder.dispose();
    this.#loaded = null;
    this.#stopped = null;
  }
}
