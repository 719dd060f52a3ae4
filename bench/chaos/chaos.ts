/** `npm run chaos -- --runs N --seed S`: small real runs on real servers, in which processes are killed at random
 *  moments that follow from the seed. When a check fails, it prints the command that repeats that run, and ends with
 *  code 1. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { Runtime } from '@temporalio/worker';
import type { TuningConfig } from '../../contracts/index.ts';
import { down, up } from '../../infra/index.ts';
import { cacheFolder } from '../../rapt/cache.ts';
import { resolveKeyring } from '../../settings/index.ts';
import { homeFolder } from '../../system/index.ts';
import { workflowBundle } from '../../workers/bundle.ts';
import { dataConverter } from '../../workers/data-converter.ts';
import { installRuntime } from '../../workers/runtime.ts';
import { PlainTrainer, releaseFolderOf } from '../../test/support/plain-training.ts';
import { configOf } from '../service.ts';
import { CHAOS_MARK, checkLeftovers, checkPointer, checkReleasedOnce, checkReplay, keepVersions } from './checks.ts';
import { PHASES, planRun, VICTIMS } from './kill-plan.ts';
import { runWithKills, type Outcome } from './run-with-kills.ts';
import { Supervisor } from './supervisor.ts';

const ROWS_PER_RUN = 200;
/** A process that has lost its parent first ends its step, or the loading of its model. */
const SETTLE_TIMEOUT_MS = 20_000;

interface Row {
  readonly run: number;
  readonly kills: string;
  readonly seconds: number;
  readonly ended: boolean;
  readonly sameDigest: boolean;
  readonly once: boolean;
  /** The checkpoint pointer was moved by the newest attempt alone. */
  readonly fenced: boolean;
  readonly clean: boolean;
  readonly replays: boolean;
  readonly problems: readonly string[];
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '6' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
    victim: { type: 'string' },
    phase: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
const [runs, seed, first] = [values.runs, values.seed, values.first].map(Number) as [number, number, number];
if (![runs, seed, first].every((value) => Number.isInteger(value) && value >= 0))
  throw new Error('--runs, --seed and --first take whole numbers');

/** --victim and --phase aim all kills at one spot. */
const aim = {
  victim: VICTIMS.find((victim) => victim === values.victim),
  phase: PHASES.find((phase) => phase === values.phase),
};
if (
  (values.victim !== undefined && aim.victim === undefined) ||
  (values.phase !== undefined && aim.phase === undefined)
)
  throw new Error(`--victim is one of ${VICTIMS.join(', ')}; --phase one of ${PHASES.join(', ')}`);

const home = mkdtempSync(join(tmpdir(), 'rapt-chaos-'));
process.env['RAPT_HOME'] = home;
const [mark, markValue] = CHAOS_MARK.split('=') as [string, string];
process.env[mark] = markValue;

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const rows: Row[] = [];
try {
  say(`the servers, workers and data of this bench are in ${homeFolder()}`);
  const { temporal } = await up({ say });
  await keepVersions();
  installRuntime();
  const bundle = await workflowBundle(Runtime.instance().logger);
  const connection = await Connection.connect({ address: temporal.address });
  const converter = dataConverter(resolveKeyring(true));
  const client = new Client({ connection, dataConverter: converter });
  const supervisor = new Supervisor();
  supervisor.start();
  const trainer = new PlainTrainer('all-MiniLM-L6-v2');
  const releases = new Set<string>();
  for (let run = first; run < first + runs; run++) {
    const config = writeTable(run);
    const id = `chaos-${run}`;
    const plan = planRun(seed, run, aim);
    const outcome = await runWithKills(client, supervisor, id, config, plan);
    await supervisor.thawed();
    const { result, failure } = outcome;
    const problems = failure === null ? [] : [failure];
    let sameDigest = false;
    let once: string[] = ['no release'];
    let pointer: string[] = [];
    if (result !== null) {
      releases.add(result.release.sha256);
      const folder = await releaseFolderOf(join(home, 'client', 'local'), result.release.sha256);
      sameDigest = (await trainer.train(folder, config.tuning)).adapter === result.adapter.sha256;
      if (!sameDigest) problems.push('the adapter differs from that of the undisturbed training');
      once = await checkReleasedOnce(releases);
      pointer = await checkPointer(id);
    }
    const left = await settled(() => checkLeftovers(supervisor.gpuWorkers()));
    const replay = await checkReplay(client.workflow.getHandle(id), bundle, converter);
    problems.push(...once, ...pointer, ...left, ...replay);
    const row: Row = {
      run,
      kills: killsOf(outcome),
      seconds: outcome.seconds,
      ended: result !== null,
      sameDigest,
      once: once.length === 0,
      fenced: pointer.length === 0,
      clean: left.length === 0,
      replays: replay.length === 0,
      problems,
    };
    rows.push(row);
    say(line(row));
    for (const problem of problems) say(`  ${problem}`);
    if (problems.length > 0) say(`  again: npm run chaos -- --seed ${seed} --first ${run} --runs 1`);
  }
  await supervisor.stop();
  await connection.close();
} finally {
  await down();
  if (!values.keep) rmSync(home, { recursive: true, force: true });
}

process.stdout.write(
  '| run | killed | s | ended | digest | once | fenced | clean | replay |\n|---|---|---|---|---|---|---|---|---|\n',
);
for (const row of rows) process.stdout.write(`${line(row)}\n`);
const count = (holds: (row: Row) => boolean): string => `${rows.filter(holds).length} of ${rows.length}`;
const held = [
  `ended ${count(({ ended }) => ended)}`,
  `adapter of the undisturbed training ${count(({ sameDigest }) => sameDigest)}`,
  `each text released exactly once ${count(({ once }) => once)}`,
  `pointer moved by the newest attempt alone ${count(({ fenced }) => fenced)}`,
  `nothing left over ${count(({ clean }) => clean)}`,
  `history replays ${count(({ replays }) => replays)}`,
];
process.stdout.write(`\nseed ${seed}: ${held.join(', ')}\n`);
if (rows.some(({ problems }) => problems.length > 0)) process.exitCode = 1;

/** Writes a table with texts of this run only. @returns the run's configuration. */
function writeTable(run: number): TuningConfig {
  const [, ...lines] = readFileSync(join(cacheFolder(), 'datasets', 'movie-reviews', 'train.tsv'), 'utf8')
    .trimEnd()
    .split('\n');
  // Each once: the budget below is that of one release of a text.
  const texts = new Set(
    Array.from({ length: ROWS_PER_RUN }, (_, row) => lines[(run * ROWS_PER_RUN + row) % lines.length]!),
  );
  const train = join(home, `texts-${run}.tsv`);
  writeFileSync(train, `text\tlabel\n${[...texts].join('\n')}\n`);
  return configOf({
    data: { train, maxTokens: 16 },
    privacy: { eta: 14, budget: { perText: 14 } },
    audit: false,
    tuning: {
      epochs: 2,
      batchSize: 8,
      length: 4,
      checkpointEverySteps: 4,
      reconstruction: { plainTokens: 2, vocabularySize: 100, bottleneck: 8 },
    },
  });
}

/** Repeats a check until it finds nothing, or the time is up. @returns the last findings. */
async function settled(check: () => Promise<string[]>): Promise<string[]> {
  const deadline = Date.now() + SETTLE_TIMEOUT_MS;
  for (;;) {
    const found = await check().catch((error: unknown) => [`cannot be checked: ${String(error)}`]);
    if (found.length === 0 || Date.now() > deadline) return found;
    await sleep(500);
  }
}

function killsOf({ kills }: Outcome): string {
  return kills.map(({ kill, done }) => `${kill.victim} in ${kill.phase}${done ? '' : ' (was not there)'}`).join(', ');
}

function line({ run, kills, seconds, ended, sameDigest, once, fenced, clean, replays }: Row): string {
  const checks = [ended, sameDigest, once, fenced, clean, replays].map((holds) => (holds ? 'yes' : 'NO'));
  return `| ${[run, kills, seconds.toFixed(0), ...checks].join(' | ')} |`;
}
