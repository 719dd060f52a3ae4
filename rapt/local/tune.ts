/** A tuning from texts to a graded adapter, in this process. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  BadInput,
  parseTuningConfig,
  type AdapterFile,
  type InputProblem,
  type OwnRelease,
  type OwnResult,
  type ReleaseManifest,
  type ReleaseProgress,
  type Sha256,
  type TestMetrics,
  type TuningConfig,
  type TuningInput,
} from '../../contracts/index.ts';
import { locateBackbone, poolingProblems, type BackboneFiles } from '../backbone/index.ts';
import { attackRelease, dryRun, notesOn, releaseTables, scoreAnswers } from '../client/index.ts';
import { clientHome, releaseFolder, tenantFolder } from '../home.ts';
import { Ledger, labelsAgainNote } from '../ledger/index.ts';
import { folderProblem } from '../../system/index.ts';
import { checkGates, gateValues } from '../evaluation/index.ts';
import { openRelease } from '../release/index.ts';
import {
  adapterDigest,
  openEncoder,
  trainingDigest,
  TuningSession,
  writeFiles,
  type StepReport,
} from '../tuning/index.ts';

/** Where the results go, and who hears of the progress. */
export interface TuneOptions {
  /** Folder for the adapter; made if need be. */
  readonly adapter: string;
  /** Where releases and ledgers of all tenants lie. Default: this machine's, as the command `rapt` has it. */
  readonly home?: string | undefined;
  /** Stops after the step that is being taken, or before the next attack. The release stays, and the next call finds
   *  it. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch of rows that was privatized, or once if the release was there already. */
  readonly onRelease?: ((progress: ReleaseProgress) => void) | undefined;
  /** Called after each optimizer step. */
  readonly onStep?: ((report: StepReport) => void) | undefined;
  /** Called before each attack. */
  readonly onAttack?: ((attack: string) => void) | undefined;
}

/** What a tuning gives back: the parts of a run's result that need no server. */
export interface Tuned extends Pick<OwnResult, 'metrics' | 'privacy' | 'audit' | 'gates' | 'notes'> {
  /** The configuration with every default filled in. */
  readonly config: TuningConfig;
  readonly adapter: { readonly folder: string; readonly sha256: Sha256 };
  readonly release: {
    readonly folder: string;
    readonly sha256: Sha256;
    /** True when the release was there already and nothing was drawn. */
    readonly reused: boolean;
  };
}

/** Tunes on this machine, in this process, without any server: the texts are released into this client's folder, with
 *  their cost in the ledger. Before the training begins, the ledger counts the release as one that left, since the
 *  adapter is made of it. The model is tuned on the release, graded on its test rows, attacked, and held against the
 *  gates. A run of the service with the same configuration on the same client takes this release, and ends with the
 *  same adapter, byte for byte. A training that is broken off begins again from its first step; the service goes on
 *  from checkpoints.
 *  @param input as a run's configuration file has it; every field has a default.
 *  @param options where the results go.
 *  @throws BadInput with everything that is wrong; RaptError budgetExceeded, notFound (no such backbone), diverged; the
 *  signal's reason when it aborts. */
export async function tune(
  input: TuningInput,
  { adapter, home = clientHome(), signal, onRelease, onStep, onAttack }: TuneOptions,
): Promise<Tuned> {
  const config = configOf(input);
  const target = resolve(adapter);
  const backbone = await locateBackbone(config.backbone);
  // A release is paid for, so whatever would stop the tuning after it is told before it.
  const problems = poolingProblems(backbone.folder, config.tuning.pooling);
  const unwritable = folderProblem(target);
  if (unwritable !== null) problems.push({ where: adapter, problem: unwritable });
  const { publicText } = config.audit;
  if (publicText !== undefined && !existsSync(publicText))
    problems.push({ where: 'audit.publicText', problem: `${publicText} does not exist` });
  if (problems.length > 0) throw new BadInput(problems);
  const notes: string[] = [];
  const local = await releaseTables({
    home,
    run: 'tune',
    config,
    signal,
    onProgress: onRelease,
    onInspected: async (found) => {
      const dry = await dryRun({ config, ...found }, { trainsHere: true });
      if (dry.problems.length > 0) throw new BadInput(dry.problems);
      notes.push(...(await notesOn(config.data, found.inspection, found.backbone.tokenizer)), ...dry.notes);
    },
    onReserved: (entry) => notes.push(...labelsAgainNote(entry)),
  });
  const folder = releaseFolder(home, config.tenant, local.localKey);
  const { manifest } = (await openRelease(folder))!;
  // The adapter is made of the release and goes wherever its owner takes it, so from here on the cost cannot be taken
  // back.
  await new Ledger(tenantFolder(home, config.tenant)).release(local.localKey, local.digest, manifest.tokens);
  const { files, test } = await trainAndGrade({
    config,
    backbone,
    release: local,
    manifest,
    folder,
    target,
    signal,
    onStep,
  });
  const audit =
    config.audit.attacks.length === 0
      ? null
      : await attackRelease(folder, config, (attack) => onAttack?.(attack), signal);
  const { guarantee, unchangedRate, backboneSha256, digest, reused } = local;
  return {
    config,
    metrics: { test },
    privacy: { mechanism: guarantee.mechanism, eta: guarantee.eta, unchangedRate, backboneSha256, guarantee },
    audit: audit ?? {},
    gates: checkGates(config.gates, gateValues({ test, unchangedRate, audit })),
    adapter: { folder: target, sha256: adapterDigest(files) },
    release: { folder, sha256: digest, reused },
    ...(notes.length > 0 && { notes }),
  };
}

interface Training extends Pick<TuneOptions, 'signal' | 'onStep'> {
  readonly config: TuningConfig;
  readonly backbone: BackboneFiles;
  readonly release: OwnRelease;
  readonly manifest: ReleaseManifest;
  /** Folder of the release. */
  readonly folder: string;
  /** Folder for the adapter. */
  readonly target: string;
}

/** Trains on the release, writes the adapter, and grades it on the test rows. */
async function trainAndGrade({
  config: { tuning },
  backbone,
  release,
  manifest,
  folder,
  target,
  signal,
  onStep,
}: Training): Promise<{ files: Record<AdapterFile, Buffer>; test: TestMetrics }> {
  const encoder = await openEncoder(backbone.folder, tuning.input, release.guarantee);
  try {
    const session = await TuningSession.open({
      encoder,
      backboneFolder: backbone.folder,
      releaseFolder: folder,
      manifest,
      options: tuning,
      trainingDigest: trainingDigest(release.digest, backbone.sha256, tuning),
    });
    await session.train({
      onStep: (report) => {
        onStep?.(report);
      },
      isStopped: () => signal?.aborted === true,
    });
    signal?.throwIfAborted();
    const files = session.encode({ release: release.digest, backbone });
    writeFiles(target, files);

    const answers = await session.grade();
    const test: TestMetrics = { ...(await scoreAnswers(folder, answers)), reconstruction: answers.reconstruction };
    return { files, test };
  } finally {
    encoder.dispose();
  }
}

/** The configuration with its defaults. @throws BadInput for all that is wrong, and for fields that need the
 *  service. */
function configOf(input: TuningInput): TuningConfig {
  const parsed = parseTuningConfig(input);
  const problems: InputProblem[] = parsed.ok ? [] : [...parsed.problems];
  if (parsed.ok && parsed.value.baseline !== undefined)
    problems.push({
      where: 'baseline',
      problem: 'names a run of the service; leave it out here, and compare the results',
    });
  if (parsed.ok && parsed.value.resumeFrom.length > 0)
    problems.push({ where: 'resumeFrom', problem: 'names a run of the service; leave it out here' });
  if (!parsed.ok || problems.length > 0) throw new BadInput(problems);
  return parsed.value;
}
