/** raptTuning: private text in, tuned prompt out. */
import { ActivityFailure, CancelledFailure } from '@temporalio/common';
import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  ContinueAsNew,
  isCancellation,
  patched,
  setWorkflowOptions,
  workflowInfo,
} from '@temporalio/workflow';
import { ErrorKind, keys, parseTuningConfig, totalEpochs } from '../contracts/index.ts';
import type {
  AdapterRef,
  AssembledAdapter,
  LocalRelease,
  ReleasedAudit,
  ReleasedMetrics,
  ReleaseRef,
  RunContext,
  ShownBeside,
  Stage,
  TrainBlock,
  TrainBlockResult,
  TuningConfig,
  TuningResult,
} from '../contracts/index.ts';
import { clientActivities, gpuActivities } from './activity-calls.ts';
import { describeRun, showAccuracy, showBackbone, showCalibratedEta, showStage } from './search-attributes.ts';
import { nextBoundary } from './blocks.ts';
import type { Notices } from './notices.ts';
import { endedByCancellation, type PauseGate } from './pause.ts';
import { accepted, acceptId } from './refusal.ts';
import type { RunState } from './run-state.ts';
import { kindOf, showDetails, showStopped, trackRun } from './tracker.ts';
import { goOnInNewHistory, isCarried, newHistoryIsDue, type Carried } from './upgrade.ts';

/** Tunes a prompt on privatized text. The client's workers read and privatize the texts, and publish only privatized
 *  ids. GPU workers train and predict. The client's workers then compare the predictions with the test labels.
 *
 *  The input is one JSON object, `{}` for the default job. A wrong input fails the run at once, with all that is wrong
 *  in it. A cancelled run ends after the running activity has saved its checkpoint; a run that was paused by its update
 *  goes on from there. A new run of the same configuration finds the release of an earlier one by the data's digest,
 *  and its checkpoints by `resumeFrom`. */
export async function raptTuning(input?: unknown, carried?: unknown): Promise<TuningResult> {
  const before = isCarried(carried) ? carried : undefined;
  const { state, gate, notices } = trackRun(before?.snapshot, before?.noticesWanted);
  try {
    const config = accepted(parseTuningConfig(input ?? {}));
    if (before === undefined) acceptId('run');
    notices.of(config.tenant);
    const result = await new TuningRun({ state, gate, notices }, config).tune(before);
    notices.tell('finished');
    return result;
  } catch (thrown) {
    // While a cancelled run ends, an activity may fail in some other way.
    const cancelled =
      CancellationScope.current().consideredCancelled && !isCancellation(thrown) && endedByCancellation(thrown);
    const error = cancelled ? new CancelledFailure('the run was cancelled') : thrown;
    if (!(error instanceof ContinueAsNew)) {
      showStopped(state, error);
      notices.tell(isCancellation(error) ? 'cancelled' : 'failed', kindOf(error));
    }
    throw error;
  } finally {
    await notices.sent();
  }
}
setWorkflowOptions({ versioningBehavior: 'PINNED' }, raptTuning);

/** A store that keeps losing a release needs its operator. */
const MOST_REPAIRS = 3;

/** One run, with a method for each stage. */
class TuningRun {
  readonly #state: RunState;
  readonly #gate: PauseGate;
  readonly #notices: Notices;
  readonly #config: TuningConfig;
  readonly #context: RunContext;
  readonly #client: ReturnType<typeof clientActivities>;

  constructor({ state, gate, notices }: ReturnType<typeof trackRun>, config: TuningConfig) {
    this.#state = state;
    this.#gate = gate;
    this.#notices = notices;
    this.#config = config;
    this.#context = { run: workflowInfo().workflowId, config };
    this.#client = clientActivities(config.tenant);
  }

  /** @param carried what the run did in the history before this one. */
  async tune(carried?: Carried): Promise<TuningResult> {
    if (carried === undefined) await this.#validate();
    const local = carried?.local ?? (await this.#privatize());
    const release = carried?.release ?? (await this.#publish(local));
    const { adapter, checkpoint, code, history } = await this.#train(local, release, carried?.trained);
    const { predictions, reconstruction } = await this.#withRelease(local, () => this.#predict(release, adapter));

    const audit = await this.#audit(local);
    if (audit !== null) this.#state.attacked(audit);

    this.#enter('score', 'compares the predictions with the test labels on the client');
    const { metrics, gates } = await this.#gate.run(() =>
      this.#client.results.score.executeWithOptions({ summary: 'compare with the test labels' }, [
        { ...this.#context, release: local, audit, predictions, reconstruction },
      ]),
    );
    this.#state.scored(metrics.accuracy, gates);
    if (metrics.accuracy !== null) showAccuracy(metrics.accuracy);

    this.#enter('report', 'writes the report');
    const { localKey } = local;
    const { timing, progress } = this.#state;
    const request = {
      ...this.#context,
      release,
      localKey,
      adapter,
      metrics,
      audit,
      gates,
      history,
      timing,
      resumed: progress.resumed,
      ...(progress.notes && { notes: progress.notes }),
    };
    const stored = await this.#gate.run(() =>
      this.#client.results.report.executeWithOptions({ summary: 'write the report' }, [request]),
    );
    // Only workers of earlier versions return a path.
    const { artifact, files, shown, link, uri, path = '' } = stored;
    this.#state.reported(uri, link);

    this.#enter('register', 'records the finished run');
    const result = this.#result({ local, release, adapter, metrics, audit, gates, report: { uri, path }, shown });
    const made = {
      adapter,
      checkpoint,
      release,
      predictions,
      report: artifact,
      ...(files && { reportFiles: files }),
      result,
    };
    const versions = { workflow: workflowInfo().currentDeploymentVersion?.buildId ?? null, gpu: code };
    await this.#gate.run(() =>
      this.#client.results.register.executeWithOptions({ summary: 'record the finished run' }, [
        { ...this.#context, ...made, code: versions },
      ]),
    );
    if (this.#gate.paused && patched('ends though paused')) this.#gate.end();
    this.#enter('done', 'finished');
    await condition(allHandlersFinished);
    return result;
  }

  async #validate(): Promise<void> {
    const { tenant, tuning } = this.#config;
    describeRun(this.#config);
    this.#state.expect({ epochs: totalEpochs(tuning) });
    this.#enter('validate', `checks the tables on the client (tenant ${tenant})`);
    const { rows, backbone, notes } = await this.#gate.run(() =>
      this.#client.reading.inspect.executeWithOptions({ summary: 'check the tables' }, [this.#context]),
    );
    this.#state.inspected(rows.train + rows.test, notes);
    if (backbone !== undefined) showBackbone(backbone);
  }

  async #privatize(): Promise<LocalRelease> {
    this.#enter('privatize', 'privatizes the texts on the client');
    const release = await this.#gate.run(() =>
      this.#client.release.privatize.executeWithOptions({ summary: 'draw the noisy version of each text' }, [
        this.#context,
      ]),
    );
    this.#state.released(release.rows.train + release.rows.test);
    const { eta } = release.guarantee;
    if (this.#config.privacy.targetUnchanged !== undefined && eta !== null) showCalibratedEta(eta);
    return release;
  }

  #publish(release: LocalRelease): Promise<ReleaseRef> {
    this.#enter('publish', 'uploads the privatized release');
    return this.#gate.run(() =>
      this.#client.release.publish.executeWithOptions({ summary: 'upload the release' }, [
        { ...this.#context, release },
      ]),
    );
  }

  /** Trains by an activity for each block of steps, so that the history of a run of days shows how far it is, and no
   *  attempt lasts longer than a block. */
  async #train(local: LocalRelease, release: ReleaseRef, before?: TrainBlockResult): Promise<AssembledAdapter> {
    const { tenant, backbone, tuning, resumeFrom } = this.#config;
    const job = { run: this.#context.run, tenant, release, backbone, tuning };
    this.#enter('train', 'trains on the privatized texts');
    let trained = before ?? (await this.#trainBlock(local, { ...job, untilStep: null, resumeFrom }));
    while (trained.step < trained.totalSteps) {
      if (newHistoryIsDue() && !this.#gate.paused) {
        const snapshot = this.#state.snapshot();
        const noticesWanted = await this.#notices.handOver();
        const carried: Carried = {
          format: 'rapt-carried/1',
          snapshot,
          local,
          release,
          trained,
          ...(noticesWanted && { noticesWanted }),
        };
        await goOnInNewHistory(this.#config, carried, () => this.#gate.paused);
      }
      const untilStep = nextBoundary(trained);
      const block = await this.#trainBlock(local, { ...job, untilStep, resumeFrom });
      // Without this check the loop would never end.
      if (block.step <= trained.step)
        throw ApplicationFailure.nonRetryable(
          `training was asked to go on to step ${untilStep} and stayed at step ${block.step}`,
        );
      trained = block;
    }
    this.#enter('train', 'stores the adapter');
    return this.#gate.run(() =>
      gpuActivities.storing.assembleAdapter.executeWithOptions({ summary: 'store the adapter' }, [job]),
    );
  }

  async #trainBlock(local: LocalRelease, block: TrainBlock): Promise<TrainBlockResult> {
    const summary =
      block.untilStep === null ? 'train to the end of the first epoch' : `train to step ${block.untilStep}`;
    const trained = await this.#withRelease(local, () =>
      this.#gate.run(() => gpuActivities.training.train.executeWithOptions({ summary }, [block])),
    );
    this.#state.blockTrained(trained);
    showDetails(this.#state);
    return trained;
  }

  /** Does work that reads the release from the store. When the release is damaged or gone there, it is published again:
   *  the client has its bytes. */
  async #withRelease<T>(local: LocalRelease, work: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await work();
      } catch (error) {
        const damaged =
          error instanceof ActivityFailure &&
          error.cause instanceof ApplicationFailure &&
          error.cause.type === ErrorKind.releaseDamaged;
        if (!damaged || tries === MOST_REPAIRS) throw error;
      }
      const summary = 'publish again: the store lost bytes';
      await this.#gate.run(() =>
        this.#client.release.publish.executeWithOptions({ summary }, [
          { ...this.#context, release: local, verify: true },
        ]),
      );
    }
  }

  #predict(release: ReleaseRef, adapter: AdapterRef): ReturnType<typeof gpuActivities.inference.predict> {
    const { tenant, backbone } = this.#config;
    this.#enter('predict', 'classifies the privatized test texts');
    const summary = 'classify the test texts';
    const request = { run: this.#context.run, tenant, backbone, release, adapter };
    return this.#gate.run(() => gpuActivities.inference.predict.executeWithOptions({ summary }, [request]));
  }

  /** Attacks the release; null when no attack is asked for, and in runs that began before there were audits. */
  async #audit(release: LocalRelease): Promise<ReleasedAudit | null> {
    const { attacks } = this.#config.audit;
    if (attacks.length === 0 || !patched('audit')) return null;
    this.#enter('audit', 'attacks the release on the client, to tell what an adversary gets');
    return this.#gate.run(() =>
      this.#client.release.audit.executeWithOptions({ summary: 'attack the release' }, [{ ...this.#context, release }]),
    );
  }

  #enter(stage: Stage, message: string): void {
    const changed = this.#state.progress.stage !== stage;
    // Date.now is the workflow's own time here, which is the same in a replay.
    this.#state.enter(stage, message, Date.now());
    if (changed) {
      showStage(stage);
      if (stage !== 'done') this.#notices.tell('stage');
    }
    showDetails(this.#state);
  }

  #result(done: Finished): TuningResult {
    const { local, release, adapter, metrics, audit, gates, report, shown } = done;
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
      audit: audit ?? {},
      gates,
      adapter: { uri: `s3://${bucket}/${keys.adapterPrefix(tenant, adapter.digest)}`, sha256: adapter.digest },
      release: {
        uri: `s3://${bucket}/${keys.releasePrefix(tenant, release.digest)}`,
        sha256: release.digest,
        reused: local.reused,
        ...(local.takenOver !== undefined && { takenOver: local.takenOver }),
      },
      report,
      resumed: this.#state.progress.resumed,
      timing: this.#state.timing,
      ...(shown === undefined ? {} : { baselines: shown.baselines, training: { curve: shown.curve } }),
      ...(this.#state.progress.notes && { notes: this.#state.progress.notes }),
    };
  }
}

interface Finished extends Pick<TuningResult, 'gates' | 'report'> {
  readonly local: LocalRelease;
  readonly release: ReleaseRef;
  readonly adapter: AdapterRef;
  readonly metrics: ReleasedMetrics;
  readonly audit: ReleasedAudit | null;
  /** Absent when the worker that wrote the report was of a version without it. */
  readonly shown: ShownBeside | undefined;
}
