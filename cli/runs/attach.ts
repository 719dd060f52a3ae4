/** Starting a run, or attaching to the one of the same name. */
import {
  BadInput,
  conditionsOf,
  gateName,
  WORKFLOW_TYPE,
  type Gates,
  type TuningConfig,
} from '../../contracts/index.ts';
import type { AskedRun } from '../ci/outcome.ts';
import { assertTuning, knownRun, requireRun, type KnownRun, type Remembered } from './known-run.ts';
import { timeOf } from '../terminal/output.ts';
import { differingSettings } from '../differing-settings.ts';
import { startWorkflow } from './start-workflow.ts';
import type { Link } from '../temporal/connection.ts';

/** A run that is to be started. */
export interface Planned {
  readonly id: string;
  readonly config: TuningConfig;
  /** The run that it goes on from, when the command made up the name: an existing run of this name that does not go on
   *  from there is somebody else's. Null when the user means whichever run has the name. */
  readonly goesOnFrom: string | null;
  /** Whether the name was drawn at random, so that no other run can have it. */
  readonly isNewName?: boolean;
  /** Whether the client's policy decides alone, without the word of the user who starts the run. */
  readonly byPolicy?: boolean;
}

export interface Begun {
  readonly run: AskedRun;
  readonly attached: boolean;
  /** Whether the run has not ended. */
  readonly isRunning: boolean;
  /** What is left of the run when Temporal has forgotten it. */
  readonly left: Remembered | null;
}

/** A name stands for one run. A second run is never started under it, even when Temporal has forgotten the first.
 *  @throws BadInput when the name is made up and belongs to another run. */
export async function startOrAttach(link: Link, planned: Planned): Promise<Begun> {
  const { id, config } = planned;
  const before = planned.isNewName === true ? null : await knownRun(link, id, config.tenant);
  if (before === null && (await startWorkflow(link, WORKFLOW_TYPE.tuning, id, config, planned)))
    return { run: { id, tenant: config.tenant, gates: config.gates }, attached: false, isRunning: true, left: null };
  const known = before ?? (await requireRun(link, id, config.tenant));
  assertTuning(id, known);
  if (planned.goesOnFrom !== null) assertGoesOn(planned, planned.goesOnFrom, known);
  return {
    run: { id, tenant: known.tenant, gates: known.config?.gates ?? {}, remarks: remarksOn(planned, known) },
    attached: true,
    isRunning: known.status === 'RUNNING',
    left: known.left,
  };
}

/** @throws BadInput unless the run of this name is what the command would have started. */
function assertGoesOn({ id, config }: Planned, from: string, { config: theirs }: KnownRun): void {
  const problem =
    theirs === null
      ? `and its configuration is not known here, so that nobody can tell whether it goes on from ${from}`
      : whyNot(from, config, theirs);
  if (problem !== null)
    throw new BadInput([
      {
        where: id,
        problem: `is the name of a run that exists already, ${problem}; give the new run another name by --id`,
      },
    ]);
}

function whyNot(from: string, wanted: TuningConfig, theirs: TuningConfig): string | null {
  if (!theirs.resumeFrom.includes(from)) return `and does not go on from ${from}`;
  const differing = differences(wanted, theirs);
  return differing.length === 0
    ? null
    : `and goes on from ${from} with another configuration (${differing.join(', ')})`;
}

/** The settings in which two runs differ, apart from the runs that they go on from. */
const differences = ({ resumeFrom: _, ...one }: TuningConfig, { resumeFrom: __, ...other }: TuningConfig): string[] =>
  Object.keys(differingSettings([one, other]));

/** What the user must know when this run stands in for the one that they asked for. Settings are named without their
 *  values: some values are files, and the pages of a CI job have other readers than the owner. */
function remarksOn({ id, config }: Planned, { status, config: theirs, described, left }: KnownRun): string[] {
  const remarks: string[] = [];
  const endedAt = described === null ? left.endedAt : (described.closeTime ?? null);
  const when = endedAt === null ? 'earlier' : `on ${timeOf(endedAt.toISOString())} UTC`;
  if (status === 'COMPLETED')
    remarks.push(
      `Shows run ${id}, which finished ${when}: nothing is tuned now. Another name (--id) starts a new run.`,
    );
  else if (status !== 'RUNNING')
    remarks.push(
      `Shows run ${id}, which ended without a result ${when} (${status.toLowerCase()}). Nothing is tried again ` +
        `under its name: \`rapt resume ${id}\` goes on with it, another name (--id) starts anew.`,
    );
  if (left !== null)
    remarks.push(
      `Temporal has forgotten it; this is what ${left.config === null ? 'the store' : 'the client'} keeps of it.`,
    );
  if (theirs === null) return remarks;
  // Without this the user would believe that the run is held against gates that nobody looks at.
  if (namesOf(theirs.gates) !== namesOf(config.gates))
    remarks.push(`its gates are those that it was started with, not those given now: ${namesOf(theirs.gates)}`);
  const differing = differences({ ...config, gates: {} }, { ...theirs, gates: {} });
  if (differing.length > 0)
    remarks.push(
      `its configuration is that which it was started with; the one given now differs in ${differing.join(', ')}`,
    );
  return remarks;
}

const namesOf = (gates: Gates): string =>
  conditionsOf(gates)
    .map(({ metric, condition }) => gateName(metric, condition))
    .join(', ') || 'none';
