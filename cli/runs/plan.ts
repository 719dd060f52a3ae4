/** Plans the run that a command starts: a new one, or one that goes on from others. */
import { randomBytes } from 'node:crypto';
import { BadInput, ErrorKind, RaptError, type TuningConfig } from '../../contracts/index.ts';
import type { Planned } from './attach.ts';
import { assertTuning, knownRun, requireRun, tenantOfRun, type KnownRun } from './known-run.ts';
import { say } from '../terminal/output.ts';
import { differingSettings } from '../differing-settings.ts';
import type { Link } from '../temporal/connection.ts';
import { describe } from '../temporal/executions.ts';
import { abandonedVersion } from '../temporal/task-queues.ts';
import { ownConfig } from './owner-word.ts';

const MOST_EARLIER_RUNS = 100;

/** A configuration together with the runs whose checkpoints it may take over, the latest first. */
const goingOnFrom = (config: TuningConfig, before: readonly string[]): TuningConfig => ({
  ...config,
  resumeFrom: [...before, ...config.resumeFrom].slice(0, MOST_EARLIER_RUNS),
});

export interface NextRun {
  /** The name that the new run gets. Default: that of the one before with the next number. */
  readonly id?: string | undefined;
  /** Tenant of a run that Temporal has forgotten. */
  readonly tenant?: string | undefined;
}

/** Plans to go on with a run that ended without a result. @returns the run itself when it has not ended. @throws
 *  RaptError badInput when it has completed. */
export async function planResumption(
  link: Link,
  from: string,
  { id = nextId(from), tenant }: NextRun,
): Promise<Planned | { readonly running: KnownRun }> {
  const run = await requireRun(link, from, tenant);
  if (run.status === 'COMPLETED')
    throw new RaptError(
      ErrorKind.badInput,
      `run ${from} has completed; \`rapt report --run ${from}\` shows its report, ` +
        `and \`rapt extend ${from} --epochs N\` trains on`,
    );
  if (run.status === 'RUNNING') {
    const buildId = await abandonedVersion(link, await describe(link, from));
    if (buildId === null) {
      say(`run ${from} is running; nothing to resume`);
      return { running: run };
    }
    await link.client.workflow.getHandle(from).terminate(`resumed by ${id}: no worker runs version ${buildId}`);
    say(`run ${from} belongs to version ${buildId} of the workflows, which no worker runs any more; it was ended`);
  }
  const { config, byPolicy } = await configOf(from, run, tenant);
  return { id, config: goingOnFrom(config, [from]), goesOnFrom: from, byPolicy };
}

/** Plans to train a completed run for more epochs. @throws RaptError badInput when it has not completed. */
export async function planExtension(
  link: Link,
  from: string,
  epochs: number,
  { id = nextId(from), tenant }: NextRun,
): Promise<Planned> {
  const run = await requireRun(link, from, tenant);
  if (run.status !== 'COMPLETED')
    throw new RaptError(
      ErrorKind.badInput,
      `run ${from} has not completed (${run.status.toLowerCase()}); \`rapt resume ${from}\` brings it to its end first`,
    );
  const { config, byPolicy } = await configOf(from, run, tenant);
  const extended = { ...config, tuning: { ...config.tuning, extensions: [...config.tuning.extensions, epochs] } };
  return { id, config: goingOnFrom(extended, [from]), goesOnFrom: from, byPolicy };
}

/** Plans a run of this name. When that run ended without a result, plans the first of its resumptions that has not.
 *  @throws BadInput when the name of a resumption belongs to another run. */
export async function planSuccessor(link: Link, name: string, config: TuningConfig): Promise<Planned> {
  const before: string[] = [];
  for (let id = name; ; id = nextId(id)) {
    const run = await knownRun(link, id, config.tenant);
    const latest = before[0];
    if (run !== null && latest !== undefined && run.config?.resumeFrom.includes(latest) !== true)
      throw new BadInput([
        {
          where: id,
          problem:
            `is the name of a run that exists already and does not go on from ${latest}, which ended without a ` +
            `result; give this one another name by --id, and --set resumeFrom=${latest} to go on from there`,
        },
      ]);
    if (run === null || run.status === 'RUNNING' || run.status === 'COMPLETED')
      return { id, config: goingOnFrom(config, before), goesOnFrom: null };
    say(`run ${id} ended without a result: ${run.status.toLowerCase()}`);
    before.unshift(id);
  }
}

/** The configuration with which a run goes on. It is the one that the owner gave their word for on this machine,
 *  whatever the server tells of the run. A run that they did not start here goes on as the policy allows.
 *  @throws RaptError badInput when the configuration is known nowhere, or this is no tuning run. */
async function configOf(
  id: string,
  run: KnownRun,
  tenant = tenantOfRun(id),
): Promise<Required<Pick<Planned, 'config' | 'byPolicy'>>> {
  assertTuning(id, run);
  const { config, left } = run;
  const own = await ownConfig(id, tenant);
  if (own !== null) {
    const differing = config === null ? [] : Object.keys(differingSettings([own, config]));
    if (differing.length > 0)
      say(
        `the server tells of other settings of run ${id} than those that it was started with here ` +
          `(${differing.join(', ')}); those of here are taken`,
      );
    return { config: own, byPolicy: false };
  }
  if (config !== null) {
    say(`you did not start ${id} here, so the client's policy applies`);
    return { config, byPolicy: true };
  }
  const why =
    left === null
      ? `run ${id} was started with an input that is not valid`
      : `run ${id} is known only to the store, and the store keeps no configurations`;
  throw new RaptError(ErrorKind.badInput, `${why}; start a new one with \`rapt run -f FILE --set resumeFrom=${id}\``);
}

export const newId = (kind: string): string =>
  `${kind}-${new Date().toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}-${randomBytes(2).toString('hex')}`;

/** "nightly" -> "nightly-r2" -> "nightly-r3". */
export function nextId(id: string): string {
  const [, base = id, number] = /^(.*)-r(\d+)$/.exec(id) ?? [];
  return `${base}-r${number === undefined ? 2 : Number(number) + 1}`;
}
