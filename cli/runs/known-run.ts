/** Runs by their names, as Temporal knows them. When Temporal has forgotten a run, this client may remember it, or the
 *  store. Only its owner's machine has a finished run's exact figures. */
import { readSeenRun, tenantsWithRun } from '../../activities/client/records/run-record.ts';
import {
  BadInput,
  ErrorKind,
  parseTuningConfig,
  RaptError,
  WORKFLOW_TYPE,
  type TuningConfig,
  type TuningResult,
} from '../../contracts/index.ts';
import type { Services } from '../../settings/index.ts';
import { clientHome } from '../../rapt/home.ts';
import type { Link } from '../temporal/connection.ts';
import { find, inputOf, tenantOf, type Described } from '../temporal/executions.ts';

/** What is left of a run that has ended. */
export interface Remembered {
  readonly tenant: string;
  /** Null when the store alone knows the run: a configuration names files, so it stays on the client. */
  readonly config: TuningConfig | null;
  /** Null when it has not finished. In a result from the store, the report's path is empty. */
  readonly result: TuningResult | null;
  /** Null when nobody wrote it down. */
  readonly endedAt: Date | null;
}

/** The tenant of a run, for commands that ask no server. @param given by the user. @throws BadInput when several
 *  tenants of this client have a run of this name. */
export function tenantOfRun(id: string, given?: string): string {
  if (given !== undefined) return given;
  const tenants = tenantsWithRun(clientHome(), id);
  if (tenants.length > 1)
    throw new BadInput([{ where: '--tenant', problem: `is needed: ${tenants.join(' and ')} have a run ${id} each` }]);
  return tenants[0] ?? 'local';
}

/** The tenant of a run as this client knows it, else as Temporal does. @param given by the user. @throws BadInput as
 *  `tenantOfRun`. */
export async function tenantFor(link: Link, id: string, given?: string): Promise<string> {
  if (given !== undefined || tenantsWithRun(clientHome(), id).length > 0) return tenantOfRun(id, given);
  return (await find(link, id)) === null ? tenantOfRun(id) : tenantOf(link, id);
}

/** A run as this client remembers it; null when it has seen no such run. */
export function rememberedHere(id: string, given?: string): Remembered | null {
  const tenant = tenantOfRun(id, given);
  const seen = readSeenRun(clientHome(), tenant, id);
  if (seen === null) return null;
  const parsed = parseTuningConfig(seen.config);
  return {
    tenant,
    config: parsed.ok ? parsed.value : null,
    result: seen.result,
    endedAt: seen.result === null ? null : seen.recordedAt,
  };
}

/** A finished run's result, with the exact figures where this machine is its owner's; elsewhere with the figures that
 *  the owner told. */
export const asOwned = (id: string, tenant: string, told: TuningResult): TuningResult =>
  readSeenRun(clientHome(), tenant, id)?.result ?? told;

/** Long enough for a store that is up. A user who starts a run need not wait for a store that is down. */
const LOOK_UP = { timeoutMs: 5000, retry: { attempts: 2, baseDelayMs: 200, maxDelayMs: 200 } };

/** A run as the store keeps it; null when it has no finished run of this name. @throws RaptError when the store cannot
 *  be asked from here. */
async function rememberedInStore(
  { storeFor }: Pick<Services, 'storeFor'>,
  tenant: string,
  id: string,
): Promise<Remembered | null> {
  const { createMinioStore, readRunManifest } = await import('../../storage/index.ts');
  const store = createMinioStore({ ...storeFor({ kind: 'client', tenant }), ...LOOK_UP });
  const manifest = await readRunManifest(store, tenant, id);
  if (manifest === null) return null;
  const result = JSON.parse((await store.get(manifest.result)).toString('utf8')) as TuningResult;
  return { tenant, config: null, result: { ...result, report: { ...result.report, path: '' } }, endedAt: null };
}

/** What is left of a run that Temporal does not know. @param unasked is called with the reason when the store could not
 *  be asked. */
async function remembered(
  { services }: Link,
  id: string,
  tenant: string | undefined,
  unasked: (reason: string) => void,
): Promise<Remembered | null> {
  const here = rememberedHere(id, tenant);
  if (here !== null) return here;
  try {
    return await rememberedInStore(services, tenantOfRun(id, tenant), id);
  } catch (error) {
    if (!(error instanceof RaptError) || error.kind === ErrorKind.corruptArtifact) throw error;
    unasked(error.message);
    return null;
  }
}

/** A run that exists, or existed. */
export type KnownRun = {
  readonly status: Described['status']['name'];
  readonly config: TuningConfig | null;
  readonly tenant: string;
} & ({ readonly described: Described; readonly left: null } | { readonly described: null; readonly left: Remembered });

/** Null when nobody knows such a run. @param unasked is called with the reason when the store could not be asked, which
 *  may know the run. */
export async function knownRun(
  link: Link,
  id: string,
  given?: string,
  unasked: (reason: string) => void = () => undefined,
): Promise<KnownRun | null> {
  const described = await find(link, id);
  if (described !== null) {
    const parsed = parseTuningConfig(await inputOf(link, id));
    return {
      status: described.status.name,
      config: parsed.ok ? parsed.value : null,
      tenant: parsed.ok ? parsed.value.tenant : 'local',
      described,
      left: null,
    };
  }
  const left = await remembered(link, id, given, unasked);
  // Temporal does not forget a run before it has ended.
  return left === null
    ? null
    : {
        status: left.result === null ? 'FAILED' : 'COMPLETED',
        config: left.config,
        tenant: left.tenant,
        described: null,
        left,
      };
}

/** @throws RaptError notFound when nobody knows such a run. */
export async function requireRun(link: Link, id: string, tenant?: string): Promise<KnownRun> {
  let unasked = '';
  const run = await knownRun(link, id, tenant, (reason) => (unasked = reason));
  if (run !== null) return run;
  const others =
    unasked === ''
      ? 'and neither this client nor the store remembers one of this name'
      : `this client remembers none of this name, and the store could not be asked: ${unasked}`;
  throw new RaptError(
    ErrorKind.notFound,
    `there is no run ${id}; \`rapt list\` shows those that Temporal knows, ${others}`,
  );
}

/** Predictions have ids of the same kind. @throws RaptError badInput unless it is a tuning run. */
export function assertTuning(id: string, { described }: KnownRun): void {
  if (described !== null && described.type !== WORKFLOW_TYPE.tuning)
    throw new RaptError(ErrorKind.badInput, `${id} is no tuning run but a ${described.type}`);
}

/** The result of a finished run, exact where this machine is its owner's.
 *  @throws RaptError badInput when it has not finished, or is no tuning run. */
export async function resultOf(link: Link, id: string, run: KnownRun): Promise<TuningResult> {
  assertTuning(id, run);
  const { status, left, tenant } = run;
  if (status !== 'COMPLETED')
    throw new RaptError(ErrorKind.badInput, `run ${id} has not completed: ${status.toLowerCase()}`);
  return left?.result ?? asOwned(id, tenant, (await link.client.workflow.getHandle(id).result()) as TuningResult);
}
