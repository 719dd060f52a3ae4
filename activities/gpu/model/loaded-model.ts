/** What the model process keeps in memory from one job to the next: one encoder, and the training that came to a clean
 *  stop on it. */
import type { ReleaseManifest, Sha256, TuningOptions } from '../../../contracts/index.ts';
import type { Encoder } from '../../../rapt/backbone/index.ts';
import { openEncoder, TuningSession } from '../../../rapt/tuning/index.ts';
import type { TrainJob } from './protocol.ts';

export class LoadedModel {
  #loaded: { readonly name: string; readonly encoder: Encoder } | null = null;
  #stopped: { readonly session: TuningSession; readonly trainingDigest: Sha256 } | null = null;

  /** The encoder of a backbone's folder. If another one is loaded, it is freed first: a device may have room for one
   *  alone. */
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

  /** The training of a job: the one in memory if it stopped just where the job begins, else one that is read from the
   *  job's checkpoint. No other job gets it until it is handed back by `keep`. */
  async takeSession(job: TrainJob, readManifest: (folder: string) => ReleaseManifest): Promise<TuningSession> {
    const stopped = this.#stopped;
    this.#stopped = null;
    if (stopped !== null && stopped.trainingDigest === job.trainingDigest && stopped.session.stepsDone === job.fromStep)
      return stopped.session;
    const manifest = readManifest(job.releaseFolder);
    const encoder = await this.encoder(job.backboneFolder, job.options.input, manifest);
    return TuningSession.open({ ...job, encoder, manifest });
  }

  /** @param session that has come to a clean stop. */
  keep(session: TuningSession, trainingDigest: Sha256): void {
    this.#stopped = { session, trainingDigest };
  }

  /** Frees the weights, which TensorFlow keeps until it is told to, and drops the training that works by them. */
  dispose(): void {
    this.#loaded?.encoder.dispose();
    this.#loaded = null;
    this.#stopped = null;
  }
}
