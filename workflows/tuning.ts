/** raptTuning: private text in, tuned prompt out. */
import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import { keys, parseTuningConfig } from '../contracts/index.ts';
import type {
  AdapterRef,
  LocalRelease,
  LossPoint,
  ReleaseRef,
  RunContext,
  Stage,
  TestMetrics,
  TrainBlock,
  TrainBlockResult,
  TuningConfig,
  TuningResult,
} from '../contracts/index.ts';
import { clientActivities, gpuActivities } from './activities.ts';
import { describeRun, showAccuracy, showCalibratedEta, showStage } from './attributes.ts';
import { nextBoundary } from './blocks.ts';
import { accepted } from './refusal.ts';
import type { RunState } from './run-state.ts';
import { showDetails, showStopped, trackRun } from './tracker.ts';

/** Tunes a prompt on privatized text. The texts are read and privatized on the client's queue, and only privatized ids are published;
 *  training and inference run on the GPU queue; test labels are joined on the client again.
 *
 *  The input is one JSON object, `{}` for the default job; a wrong one fails the run at once with all that is wrong. Cancelled, it ends
 *  after the running activity has saved its checkpoint. A new run of the same configuration finds release and checkpoints of an
 *  earlier one: the release by the data's digest, the checkpoints by `resumeFrom`. */
export async function raptTuning(input?: unknown): Promise<TuningResult> {
  const state = trackRun();
  try {
    return await new TuningRun(state, accepted(parseTuningConfig(input ?? {}))).tune();
  } catch (error) {
    showStopped(state, error);
    throw error;
  }
}

/** The story of one run, a method a stage. */
class TuningRun {
  readonly #state: RunState;
  readonly #config: TuningConfig;
  readonly #context: RunContext;
  readonly #client: ReturnType<typeof clientActivities>;

  constructor(state: RunState, config: TuningConfig) {
    this.#state = state;
    this.#config = config;
    this.#context = { run: workflowInfo().workflowId, config };
    this.#client = clientActivities(config.tenant);
  }

  async tune(): Promise<TuningResult> {
    await this.#validate();
    const local = await this.#privatize();
    const release = await this.#publish(local);
    const { adapter, history } = await this.#train(release);
    const { predictions, reconstruction } = await this.#predict(release, adapter);

    this.#enter('score', 'compares the predictions with the test labels on the client');
    const { metrics, gates } = await this.#client.results.score({ ...this.#context, release: local, predictions, reconstruction });
    this.#state.scored(metrics.accuracy);
    showAccuracy(metrics.accuracy);

    this.#enter('report', 'writes the report');
    const { localKey } = local;
    const { timing, progress } = this.#state;
    const report = await this.#client.results.report({ ...this.#context, release, localKey, adapter, metrics, gates, history, timing, resumed: progress.resumed });
    this.#state.reported(report.uri);

    this.#enter('register', 'records the finished run');
    const result = this.#result({ local, release, adapter, metrics, gates, report });
    await this.#client.results.register({ ...this.#context, adapter, result });
    this.#enter('done', 'finished');
    return result;
  }

  async #validate(): Promise<void> {
    const { tenant, tuning } = this.#config;
    describeRun(this.#config);
    this.#state.expect({ epochs: tuning.epochs });
    this.#enter('validate', `checks the tables on the client (tenant ${tenant})`);
    const { rows } = await this.#client.reading.inspect.executeWithOptions({ summary: 'check the tables' }, [this.#context]);
    this.#state.inspected(rows.train + rows.test);
  }

  async #privatize(): Promise<LocalRelease> {
    this.#enter('privatize', 'privatizes the texts on the client');
    const release = await this.#client.release.privatize(this.#context);
    this.#state.released(release.rows.train + release.rows.test);
    const { eta } = release.guarantee;
    if (this.#config.privacy.targetUnchanged !== undefined && eta !== null) showCalibratedEta(eta);
    return release;
  }

  #publish(release: LocalRelease): Promise<ReleaseRef> {
    this.#enter('publish', 'uploads the privatized release');
    return this.#client.release.publish({ ...this.#context, release });
  }

  /** An activity for each block of steps, so that a run of days is told in its history and no attempt lasts longer than a block. */
  async #train(release: ReleaseRef): Promise<{ adapter: AdapterRef; history: readonly LossPoint[] }> {
    const { tenant, backbone, tuning, resumeFrom } = this.#config;
    const job = { run: this.#context.run, tenant, release, backbone, tuning };
    this.#enter('train', 'trains on the privatized texts');
    let trained = await this.#trainBlock({ ...job, untilStep: null, resumeFrom });
    while (trained.step < trained.totalSteps) {
      const untilStep = nextBoundary(trained);
      const block = await this.#trainBlock({ ...job, untilStep, resumeFrom });
      // The loop would never end.
      if (block.step <= trained.step)
        throw ApplicationFailure.nonRetryable(`training was asked to go on to step ${untilStep} and stayed at step ${block.step}`);
      trained = block;
    }
    this.#enter('train', 'stores the adapter');
    return gpuActivities.storing.assembleAdapter.executeWithOptions({ summary: 'store the adapter' }, [job]);
  }

  async #trainBlock(block: TrainBlock): Promise<TrainBlockResult> {
    const summary = block.untilStep === null ? 'train to the end of the first epoch' : `train to step ${block.untilStep}`;
    const trained = await gpuActivities.training.train.executeWithOptions({ summary }, [block]);
    this.#state.blockTrained(trained);
    showDetails(this.#state);
    return trained;
  }

  #predict(release: ReleaseRef, adapter: AdapterRef): ReturnType<typeof gpuActivities.inference.predict> {
    const { tenant, backbone } = this.#config;
    this.#enter('predict', 'classifies the privatized test texts');
    const summary = 'classify the test texts';
    return gpuActivities.inference.predict.executeWithOptions({ summary }, [{ run: this.#context.run, tenant, backbone, release, adapter }]);
  }

  #enter(stage: Stage, message: string): void {
    const changed = this.#state.progress.stage !== stage;
    // Date.now is the workflow's own time here: replay gives the same figure.
    this.#state.enter(stage, message, Date.now());
    if (changed) showStage(stage);
    showDetails(this.#state);
  }

  #result(done: Finished): TuningResult {
    const { local, release, adapter, metrics, gates, report } = done;
    const { tenant } = this.#config;
    const { guarantee } = local;
    const { bucket } = release.manifest;
    const { workflowId, runId } = workflowInfo();
    return {
      workflowId,
      runId,
      status: 'completed',
      metrics: { test: metrics },
      privacy: {
        mechanism: guarantee.mechanism,
        eta: guarantee.eta,
        unchangedRate: local.unchangedRate,
        backboneSha256: local.backboneSha256,
        guarantee,
      },
      audit: {},
      gates,
      adapter: { uri: `s3://${bucket}/${keys.adapterPrefix(tenant, adapter.digest)}`, sha256: adapter.digest },
      release: { uri: `s3://${bucket}/${keys.releasePrefix(tenant, release.digest)}`, sha256: release.digest, reused: local.reused },
      report,
      resumed: this.#state.progress.resumed,
      timing: this.#state.timing,
    };
  }
}

interface Finished extends Pick<TuningResult, 'gates' | 'report'> {
  readonly local: LocalRelease;
  readonly release: ReleaseRef;
  readonly adapter: AdapterRef;
  readonly metrics: TestMetrics;
}
