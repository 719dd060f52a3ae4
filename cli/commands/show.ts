/** show: what a run is doing, and what a finished one was made from. */
import type { Command } from 'commander';
import {
  attackGot,
  totalEpochs,
  type RunManifest,
  type RunProgress,
  type TuningResult,
} from '../../contracts/index.ts';
import { createMinioStore, readRunManifest } from '../../storage/index.ts';
import { forgottenTenantOption } from '../options/common-options.ts';
import { rememberedHere, requireRun, type KnownRun, type Remembered } from '../runs/known-run.ts';
import { waitsFor } from '../runs/wait-reason.ts';
import { withTemporal, type Link } from '../temporal/connection.ts';
import { queryProgress } from '../temporal/executions.ts';
import { print, printJson, say, table } from '../terminal/output.ts';

const WITHOUT_CONTROL =
  'no control worker answers, which would tell more; start one with `rapt worker control`, or all with `rapt up`';

export function addTo(program: Command): void {
  program
    .command('show')
    .description('what a run is doing now, and of a finished one, what its adapter was made from')
    .argument('<id>')
    .addOption(forgottenTenantOption())
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt show nightly')
    .action(show);
}

const show = (id: string, { tenant, json }: { tenant?: string; json?: true }): Promise<void> =>
  withTemporal(async (link) => {
    const run = await requireRun(link, id, tenant);
    const isRunning = run.status === 'RUNNING';
    const progress = run.left === null ? await queryProgress(link.client.workflow.getHandle(id)) : progressOf(run.left);
    const waiting = isRunning ? await waitsFor(link, id, progress as RunProgress | null, run.tenant) : null;
    const manifest = isRunning ? null : await manifestOf(link, id, run);
    const lineage = manifest === null ? null : lineageOf(manifest);
    // What Temporal has is what was told.
    const own = run.status === 'COMPLETED' ? (rememberedHere(id, run.tenant)?.result ?? null) : null;
    const state = {
      workflowId: id,
      status: run.status.toLowerCase(),
      ...progress,
      ...(own !== null && figuresOf(own)),
      ...(manifest !== null && run.left !== null && atStep(manifest)),
      waiting,
    };
    if (json) {
      printJson({ ...state, lineage });
      return;
    }
    print(stateTable(state));
    if (lineage !== null) print(`\n${table(Object.entries(lineage))}`);
    if (run.left !== null) say('Temporal has forgotten this run; this is what the client and the store keep of it');
    else if (progress === null && waiting === null) say(WITHOUT_CONTROL);
  });

/** With the rights of the tenant itself: what is shown is its own. */
function manifestOf({ services }: Link, id: string, { tenant }: KnownRun): Promise<RunManifest | null> {
  const store = createMinioStore(services.storeFor({ kind: 'client', tenant }));
  return readRunManifest(store, tenant, id);
}

type State = Readonly<Record<string, string | number | boolean | object | null | undefined>>;

const stateTable = (state: State): string =>
  table(
    Object.entries(state).flatMap(([name, value]) =>
      value === null || typeof value === 'object' ? [] : [[name, String(value)]],
    ),
  );

/** What a run that Temporal has forgotten would say of itself, as far as anybody wrote it down. */
function progressOf({ result, config }: Remembered): Partial<RunProgress> {
  if (result === null) return { message: 'ended without a result' };
  const { report, resumed } = result;
  const epochs = config === null ? {} : { epoch: totalEpochs(config.tuning), epochs: totalEpochs(config.tuning) };
  return {
    stage: 'done',
    message: 'finished',
    ...epochs,
    loss: result.training?.curve.at(-1)?.loss ?? null,
    resumed,
    ...figuresOf(result),
    report: report.uri,
  };
}

const figuresOf = ({ metrics, audit, gates }: TuningResult): Pick<RunProgress, 'accuracy' | 'attacks' | 'gates'> => ({
  accuracy: metrics.test.accuracy,
  attacks: (audit.attacks ?? []).map(attackGot),
  gates: gates.length === 0 ? null : { held: gates.filter(({ passed }) => passed).length, total: gates.length },
});

const atStep = ({
  checkpoint: { step },
}: RunManifest): Pick<RunProgress, 'step' | 'totalSteps' | 'checkpointStep'> => ({
  step,
  totalSteps: step,
  checkpointStep: step,
});

/** From the adapter back to what it was made from. */
function lineageOf({
  adapter,
  checkpoint,
  release,
  configuration,
  code,
  resumed,
  runId,
}: RunManifest): Record<string, string> {
  return {
    adapter: adapter.digest,
    checkpoint: `step ${checkpoint.step}, weights ${checkpoint.files['weights.safetensors'].sha256}`,
    training: checkpoint.trainingDigest,
    release: release.digest,
    configuration,
    code: `workflow ${code.workflow ?? 'unknown'}, client ${code.client}, GPU ${code.gpu}`,
    execution: runId,
    ...(resumed === null ? {} : { history: resumed }),
  };
}
