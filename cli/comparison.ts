/** Finished runs side by side: what was set otherwise, and what came of it. */
import { RaptError, type TuningConfig, type TuningResult } from '../contracts/index.ts';
import { resolveStore } from '../settings/index.ts';
import { clientHome } from '../rapt/home.ts';
import {
  pairedDifference,
  unpairedDifference,
  wilsonInterval,
  type Difference,
  type Interval,
} from '../rapt/evaluation/index.ts';
import { totalSeconds } from '../rapt/report/index.ts';
import { createMinioStore } from '../storage/index.ts';
import { rememberedHere, requireRun, resultOf, tenantOfRun, type Remembered } from './runs/known-run.ts';
import { differingSettings } from './differing-settings.ts';
import { withTemporal } from './temporal/connection.ts';

/** A finished run, with what is compared of it. */
export interface ComparedRun {
  readonly workflowId: string;
  /** Null where it is not told. */
  readonly accuracy: { readonly [part in 'value' | keyof Interval]: number | null } & { readonly n: number };
  readonly f1: number | null;
  readonly majorityRate: number | null;
  readonly unchangedRate: number | null;
  readonly mechanism: string;
  readonly eta: number | null;
  /** Share of the tokens that each attack got. */
  readonly attacks: Readonly<Record<string, number | null>>;
  readonly method: string;
  readonly adapter: string;
  readonly release: string;
  readonly seconds: number;
}

/** A run against the first one. */
export interface ComparedPair extends Difference {
  readonly run: string;
  readonly against: string;
  /** Test rows that were compared; null where the runs' own numbers were. */
  readonly rows: number | null;
  /** Why the rows could not be paired. */
  readonly unpaired: string | null;
}

export interface Comparison {
  readonly runs: readonly ComparedRun[];
  /** Settings that are not the same in all of them, "tuning.epochs", in the order of the runs; null where one has no
   *  such setting. Null as a whole when those of one are not known here. */
  readonly settings: Readonly<Record<string, readonly unknown[]>> | null;
  /** Whether all of them trained on the same bytes. */
  readonly sharedRelease: boolean;
  /** Without those whose accuracies are not told. */
  readonly differences: readonly ComparedPair[];
}

interface Finished {
  /** Null when only the store knows the run. */
  readonly config: TuningConfig | null;
  readonly result: TuningResult;
}

/** @throws RaptError notFound, or badInput for a run that has not completed. */
export async function compareRuns(given: string | undefined, ids: readonly string[]): Promise<Comparison> {
  const tenant = tenantOfRun(ids[0]!, given);
  const runs = await finishedRuns(tenant, ids);
  const [first, ...others] = runs as [Finished, ...Finished[]];
  const differences: ComparedPair[] = [];
  for (const other of others) differences.push(...(await compareTwo(tenant, first, other)));
  return {
    runs: runs.map(factsOf),
    settings: runs.every(hasConfig)
      ? differingSettings(runs.map(({ config: { resumeFrom: _, ...settings } }) => settings))
      : null,
    sharedRelease: new Set(runs.map(({ result }) => result.release.sha256)).size === 1,
    differences,
  };
}

const hasConfig = (run: Finished): run is Finished & { readonly config: TuningConfig } => run.config !== null;

/** What this client remembers, which outlasts Temporal's own memory and needs no server; of other runs, what Temporal
 *  knows, or the store keeps. */
async function finishedRuns(tenant: string, ids: readonly string[]): Promise<Finished[]> {
  const local = ids.map((id) => rememberedHere(id, tenant));
  const isFinished = (run: Remembered | null): run is Remembered & Finished => run !== null && run.result !== null;
  if (local.every(isFinished)) return local;
  return withTemporal((link) =>
    Promise.all(
      ids.map(async (id, at): Promise<Finished> => {
        const known = local[at] ?? null;
        if (isFinished(known)) return known;
        const run = await requireRun(link, id, tenant);
        return { config: run.config, result: await resultOf(link, id, run) };
      }),
    ),
  );
}

function factsOf({ config, result }: Finished): ComparedRun {
  const { accuracy, n, f1, majorityRate = null } = result.metrics.test;
  const { mechanism, eta, unchangedRate } = result.privacy;
  return {
    workflowId: result.workflowId,
    accuracy: { value: accuracy, n, ...(accuracy === null ? { low: null, high: null } : wilsonInterval(accuracy, n)) },
    f1,
    majorityRate,
    unchangedRate,
    mechanism,
    eta,
    attacks: Object.fromEntries(
      (result.audit.attacks ?? []).map(({ attack, success }) => [attack, success?.value ?? null]),
    ),
    method: config === null ? '-' : `${config.tuning.method}, ${config.tuning.length}`,
    adapter: result.adapter.sha256,
    release: result.release.sha256,
    seconds: totalSeconds(result.timing),
  };
}

/** Empty where an accuracy is not told. */
async function compareTwo(tenant: string, first: Finished, second: Finished): Promise<ComparedPair[]> {
  const names = { run: second.result.workflowId, against: first.result.workflowId };
  const pairs = await pairedRows(tenant, first, second);
  if (typeof pairs !== 'string')
    return [{ ...names, ...pairedDifference(pairs.first, pairs.second), rows: pairs.first.length, unpaired: null }];
  const [one, other] = [first.result.metrics.test, second.result.metrics.test];
  if (one.accuracy === null || other.accuracy === null) return [];
  const difference = unpairedDifference({ accuracy: one.accuracy, n: one.n }, { accuracy: other.accuracy, n: other.n });
  return [{ ...names, ...difference, rows: null, unpaired: pairs }];
}

/** The rows that both runs answered, or why there are none. A table that has grown keeps its earlier rows' numbers. */
async function pairedRows(
  tenant: string,
  first: Finished,
  second: Finished,
): Promise<{ first: boolean[]; second: boolean[] } | string> {
  if (!hasConfig(first) || !hasConfig(second)) return 'the configuration of both is not on this client';
  const testTable = ({ config: { data } }: { readonly config: TuningConfig }): string => data.test ?? data.train;
  if (testTable(first) !== testTable(second)) return 'they were tested on different tables';
  const { gradedRows } = await import('../activities/client/index.ts');
  try {
    const client = { store: createMinioStore(resolveStore({ kind: 'client', tenant })), home: clientHome() };
    const graded = ({ result }: Finished): ReturnType<typeof gradedRows> =>
      gradedRows(client, tenant, result.workflowId, result.release.sha256);
    const [one, other] = [await graded(first), await graded(second)];
    if (one === null || other === null) return 'the test labels of both are not on this client';
    const common = [...one].filter(([row]) => other.has(row));
    if (common.length === 0 || common.some(([row, { truth }]) => other.get(row)!.truth !== truth))
      return 'their tables differ in the test rows';
    return { first: common.map(([, { right }]) => right), second: common.map(([row]) => other.get(row)!.right) };
  } catch (error) {
    if (error instanceof RaptError) return error.message;
    throw error;
  }
}
