/** Finished runs side by side: what was set otherwise, and what came of it. */
import { parseTuningConfig, RaptError, type TuningConfig, type TuningResult } from '../contracts/index.ts';
import { resolveStore } from '../infra/index.ts';
import { clientHome } from '../rapt/home.ts';
import { pairedDifference, unpairedDifference, wilsonInterval, type Difference, type Interval } from '../rapt/evaluation/index.ts';
import { createMinioStore } from '../storage/index.ts';
import { finishedRun, withTemporal } from './temporal.ts';

/** A finished run, with what is compared of it. */
export interface ComparedRun {
  readonly workflowId: string;
  readonly accuracy: Interval & { readonly value: number; readonly n: number };
  readonly f1: number;
  readonly majorityRate: number;
  readonly unchangedRate: number;
  readonly mechanism: string;
  readonly eta: number | null;
  /** Share of the tokens that each attack got. */
  readonly attacks: Readonly<Record<string, number>>;
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
  /** Settings that are not the same in all of them, "tuning.epochs", in the order of the runs; null where one has no such setting. */
  readonly settings: Readonly<Record<string, readonly unknown[]>>;
  /** Whether all of them trained on the same bytes. */
  readonly sharedRelease: boolean;
  readonly differences: readonly ComparedPair[];
}

interface Finished {
  readonly config: TuningConfig;
  readonly result: TuningResult;
}

/** @throws RaptError notFound, or badInput for a run that has not completed. */
export async function compareRuns(tenant: string, ids: readonly string[]): Promise<Comparison> {
  const runs = await finishedRuns(tenant, ids);
  const [first, ...others] = runs as [Finished, ...Finished[]];
  const differences: ComparedPair[] = [];
  for (const other of others) differences.push(await compareTwo(tenant, first, other));
  return {
    runs: runs.map(factsOf),
    settings: differingSettings(runs.map(({ config: { resumeFrom: _, ...settings } }) => settings)),
    sharedRelease: new Set(runs.map(({ result }) => result.release.sha256)).size === 1,
    differences,
  };
}

/** What this client remembers, which outlasts Temporal's own memory; of other runs, what Temporal knows. */
async function finishedRuns(tenant: string, ids: readonly string[]): Promise<Finished[]> {
  const { readRunRecord } = await import('../activities/client/index.ts');
  const home = clientHome();
  const local = ids.map((id) => {
    try {
      return readRunRecord(home, tenant, id);
    } catch (error) {
      if (error instanceof RaptError) return null;
      throw error;
    }
  });
  if (local.every((run) => run !== null)) return local;
  return withTemporal((link) =>
    Promise.all(
      ids.map(async (id, at): Promise<Finished> => {
        const known = local[at];
        if (known) return known;
        const { input, result } = await finishedRun(link, id);
        const parsed = parseTuningConfig(input);
        if (!parsed.ok) throw new Error(`run ${id} completed with an input that is not valid`);
        return { config: parsed.value, result };
      }),
    ),
  );
}

function factsOf({ config, result }: Finished): ComparedRun {
  const { accuracy, n, f1, majorityRate } = result.metrics.test;
  const { mechanism, eta, unchangedRate } = result.privacy;
  return {
    workflowId: result.workflowId,
    accuracy: { value: accuracy, n, ...wilsonInterval(accuracy, n) },
    f1,
    majorityRate,
    unchangedRate,
    mechanism,
    eta,
    attacks: Object.fromEntries((result.audit.attacks ?? []).map(({ attack, success }) => [attack, success.value])),
    method: `${config.tuning.method}, ${config.tuning.length}`,
    adapter: result.adapter.sha256,
    release: result.release.sha256,
    seconds: Object.values(result.timing).reduce((sum, part) => sum + part, 0),
  };
}

async function compareTwo(tenant: string, first: Finished, second: Finished): Promise<ComparedPair> {
  const names = { run: second.result.workflowId, against: first.result.workflowId };
  const pairs = await pairedRows(tenant, first, second);
  if (typeof pairs === 'string') return { ...names, ...unpairedDifference(first.result.metrics.test, second.result.metrics.test), rows: null, unpaired: pairs };
  return { ...names, ...pairedDifference(pairs.first, pairs.second), rows: pairs.first.length, unpaired: null };
}

/** The rows that both runs answered, or why there are none. A table that has grown keeps its earlier rows' numbers. */
async function pairedRows(tenant: string, first: Finished, second: Finished): Promise<{ first: boolean[]; second: boolean[] } | string> {
  const testTable = ({ config: { data } }: Finished): string => data.test ?? data.train;
  if (testTable(first) !== testTable(second)) return 'they were tested on different tables';
  const { gradedRows } = await import('../activities/client/index.ts');
  try {
    const client = { store: createMinioStore(resolveStore({ kind: 'operator' })), home: clientHome() };
    const graded = ({ result }: Finished): ReturnType<typeof gradedRows> => gradedRows(client, tenant, result.workflowId, result.release.sha256);
    const [one, other] = [await graded(first), await graded(second)];
    if (one === null || other === null) return 'the test labels of both are not on this client';
    const common = [...one].filter(([row]) => other.has(row));
    if (common.length === 0 || common.some(([row, { truth }]) => other.get(row)!.truth !== truth)) return 'their tables differ in the test rows';
    return { first: common.map(([, { right }]) => right), second: common.map(([row]) => other.get(row)!.right) };
  } catch (error) {
    if (error instanceof RaptError) return error.message;
    throw error;
  }
}

function differingSettings(configs: readonly object[]): Record<string, unknown[]> {
  const flat = configs.map((config) => new Map(leaves(config)));
  const names = new Set(flat.flatMap((settings) => [...settings.keys()]));
  return Object.fromEntries(
    [...names].map((name) => [name, flat.map((settings) => settings.get(name) ?? null)] as const).filter(([, values]) => new Set(values.map((value) => JSON.stringify(value))).size > 1),
  );
}

/** "tuning.epochs" and its value. Lists are values. */
function leaves(value: object, prefix = ''): [string, unknown][] {
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? leaves(inner, `${prefix}${name}.`) : [[prefix + name, inner]],
  );
}
