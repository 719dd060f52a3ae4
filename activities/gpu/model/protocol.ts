/** Messages between the GPU worker and its model process. The process computes; the worker talks to Temporal and the
 *  store. */
import type { ErrorKind, TuningOptions, Sha256 } from '../../../contracts/index.ts';

export interface TrainJob {
  readonly kind: 'train';
  readonly backboneFolder: string;
  /** Folder with manifest.json and the shards. */
  readonly releaseFolder: string;
  readonly options: TuningOptions;
  readonly trainingDigest: Sha256;
  /** Checkpoint to go on from; null begins anew. */
  readonly checkpointFolder: string | null;
  /** Step of that checkpoint; 0 without one. A process that stopped the same training at this step goes on from
   *  memory. */
  readonly fromStep: number;
  readonly untilStep: number;
  /** Folder in which checkpoints are written, each in a folder of its own. */
  readonly outputFolder: string;
}

export interface ClassifyJob {
  readonly kind: 'classify';
  readonly backboneFolder: string;
  readonly releaseFolder: string;
  readonly adapterFolder: string;
  /** The final checkpoint, whose reconstruction head is measured on the held-out plain tokens; null leaves that out. */
  readonly checkpointFolder: string | null;
  /** File for the predictions. */
  readonly outputFile: string;
}

export type Job = TrainJob | ClassifyJob;

export type ToModelProcess = { readonly type: 'job'; readonly job: Job } | { readonly type: 'stop' };

export type FromModelProcess =
  | {
      readonly type: 'step';
      /** Steps done, this one included. */
      readonly step: number;
      /** Epochs done, with a fraction. */
      readonly epoch: number;
      readonly loss: number;
      /** Rows of the step's batch. */
      readonly rows: number;
      readonly stepMs: number;
    }
  | { readonly type: 'checkpoint'; readonly step: number; readonly folder: string }
  | { readonly type: 'rows'; readonly done: number }
  | { readonly type: 'finished'; readonly reconstruction: { readonly accuracy: number; readonly n: number } | null }
  /** Answer to `stop`: a checkpoint of the last whole step was sent before. */
  | { readonly type: 'stopped' }
  | { readonly type: 'failed'; readonly kind: ErrorKind | null; readonly message: string };
