/** show, verify, gc: what is known of runs, and what lies in the store. */
import type { Command } from 'commander';
import {
  attackGot,
  ErrorKind,
  RaptError,
  totalEpochs,
  type RunManifest,
  type RunProgress,
  type TuningResult,
} from '../../contracts/index.ts';
import { resolveStore } from '../../settings/index.ts';
import {
  artifactsOf,
  createMinioStore,
  findGarbage,
  readRunManifest,
  removeGarbage,
  type ObjectStore,
} from '../../storage/index.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { rememberedHere, requireRun, tenantOfRun, type Remembered } from '../runs/known-run.ts';
import { green, print, printJson, red, say, table } from '../terminal/output.ts';
import { openRuns, queryProgress, withTemporal, type Link } from '../temporal/connection.ts';
import { waitsFor } from '../runs/follow.ts';

const DAY_MS = 24 * 3600 * 1000;

/** With the rights of the tenant itself: what is shown is its own. */
const storeOf = ({ services }: Link, tenant: string): ObjectStore =>
  createMinioStore(services.storeFor({ kind: 'client', tenant }));

export function addInspectCommands(program: Command): void {
  program
    .command('show')
    .description('what a run is doing now, and of a finished one, what its adapter was made from')
    .argument('<id>')
    .option('--tenant <name>', 'tenant of a run that Temporal has forgotten; default: as this client knows it')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt show nightly')
    .action((id: string, { tenant, json }: { tenant?: string; json?: true }) =>
      withTemporal(async (link) => {
        const run = await requireRun(link, id, tenant);
        const running = run.status === 'RUNNING';
        const progress =
          run.left === null ? await queryProgress(link.client.workflow.getHandle(id)) : progressOf(run.left);
        const waiting = running ? await waitsFor(link, id, progress as RunProgress | null, run.tenant) : null;
        const manifest = running ? null : await readRunManifest(storeOf(link, run.tenant), run.tenant, id);
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
        print(
          table(
            Object.entries(state).flatMap(([name, value]) =>
              value === null || typeof value === 'object' ? [] : [[name, String(value)]],
            ),
          ),
        );
        if (lineage !== null) print(`\n${table(Object.entries(lineage).map(([name, value]) => [name, value]))}`);
        if (run.left !== null) say('Temporal has forgotten this run; this is what the client and the store keep of it');
        else if (progress === null && waiting === null)
          say(
            'no control worker answers, which would tell more; start one with `rapt worker control`, or all with ' +
              '`rapt up`',
          );
      }),
    );

  program
    .command('verify')
    .description('read every artifact of a finished run, and compare it with its digest')
    .argument('<id>')
    .option('--tenant <name>', "default: the run's")
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt verify nightly')
    .action(async (id: string, { tenant, json }: { tenant?: string; json?: true }) => {
      const owner = tenantOfRun(id, tenant);
      const store = createMinioStore(resolveStore({ kind: 'client', tenant: owner }));
      const checked = await verify(store, owner, id);
      if (json) printJson({ workflowId: id, artifacts: checked });
      else
        for (const { what, key, problem } of checked)
          print(`${problem === null ? green('✓') : red('✗')} ${what.padEnd(34)} ${problem ?? key}`);
      process.exitCode = checked.every(({ problem }) => problem === null) ? EXIT.done : EXIT.failed;
    });

  program
    .command('gc')
    .description(
      'remove what no run refers to: checkpoints, releases and adapters of runs that came to nothing, parts of ' +
        'unfinished uploads',
    )
    .option('--older-than <days>', 'leave alone what is younger', '1')
    .option('--dry-run', 'only say what would be removed')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nWhatever a run that has not ended may need stays. Example: rapt gc --dry-run')
    .action(({ olderThan, dryRun, json }: { olderThan: string; dryRun?: true; json?: true }) =>
      withTemporal(async (link) => {
        const days = Number(olderThan);
        if (olderThan.trim() === '' || !(days >= 0))
          throw new RaptError(ErrorKind.badInput, `--older-than: must be a number of days, not "${olderThan}"`);
        const store = createMinioStore(link.services.storeFor({ kind: 'operator' }));
        const garbage = await findGarbage(store, {
          beforeMs: Date.now() - days * DAY_MS,
          openRuns: () => openRuns(link),
        });
        if (dryRun === undefined) await removeGarbage(store, garbage);
        const { objects, uploads, examined } = garbage;
        const bytes = objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        if (json)
          printJson({
            removed: dryRun === undefined,
            examined,
            objects: objects.map(({ key }) => key),
            uploads: uploads.map(({ key }) => key),
            bytes,
          });
        else {
          for (const { key } of [...objects, ...uploads]) print(key);
          say(
            `${dryRun === undefined ? 'removed' : 'would remove'} ${objects.length} of ${examined} objects ` +
              `(${(bytes / 2 ** 20).toFixed(1)} MiB) and ${uploads.length} unfinished uploads`,
          );
        }
      }),
    );
}

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

async function verify(
  store: ObjectStore,
  tenant: string,
  id: string,
): Promise<{ what: string; key: string; problem: string | null }[]> {
  const manifest = await readRunManifest(store, tenant, id);
  if (manifest === null)
    throw new RaptError(
      ErrorKind.notFound,
      `run ${id} of tenant ${tenant} has no manifest; only finished runs have one`,
    );
  const checked: { what: string; key: string; problem: string | null }[] = [];
  for (const { what, ref } of await artifactsOf(store, tenant, manifest)) {
    const problem = await store.get(ref).then(
      () => null,
      (error: unknown) => (error instanceof RaptError ? error.message : String(error)),
    );
    checked.push({ what, key: ref.key, problem });
  }
  return checked;
}
