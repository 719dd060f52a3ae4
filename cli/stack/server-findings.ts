/** What `rapt doctor` says of the servers that this process would use. It changes nothing there. */
import { Client } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { BadInput, clientQueue, CONTROL_QUEUE, ErrorKind, GPU_QUEUE, RaptError } from '../../contracts/index.ts';
import { examineServer, stackStatus, type Finding } from '../../infra/index.ts';
import { namedTemporal, resolveServices, resolveStore } from '../../settings/index.ts';
import { createMinioStore } from '../../storage/index.ts';
import { setting } from '../../system/index.ts';
import { connectTemporal, type Link } from '../temporal/connection.ts';
import { hasWorker } from '../temporal/task-queues.ts';

/** The store is given up after so long. */
const SILENCE_MS = 15_000;

/** Leaves out local servers that do not run: `diagnose` tells of them.
 *  @param tenant whose client worker is looked for. */
export async function serverFindings(tenant: string): Promise<Finding[]> {
  return [...(await serverOfRuns(tenant)), ...(await storeFindings(tenant))];
}

async function serverOfRuns(tenant: string): Promise<Finding[]> {
  const isLocal = namedTemporalOrNull() === null;
  if (isLocal && !stackStatus().some(({ component, running }) => component === 'temporal' && running)) return [];
  return temporalFindings(isLocal ? null : tenant);
}

/** @param tenant null for the local stack: `diagnose` tells of its workers. */
async function temporalFindings(tenant: string | null): Promise<Finding[]> {
  const what = 'Temporal namespace';
  try {
    const services = resolveServices();
    const { temporal } = services;
    const connection = await connectTemporal({ temporal });
    try {
      const { serverVersion, lacks } = await examineServer(connection, temporal);
      const ready: Finding = {
        what,
        ok: true,
        detail: `${temporal.namespace} on server ${serverVersion} has what Rapt needs`,
        fix: null,
      };
      if (lacks.length === 0)
        return [
          ready,
          ...(tenant === null
            ? []
            : await workerFindings(
                { client: new Client({ connection, namespace: temporal.namespace }), services },
                tenant,
              )),
        ];
      return lacks.map(({ problem, fix }) => ({ what, ok: false, detail: problem, fix }));
    } finally {
      await connection.close();
    }
  } catch (error) {
    if (!(error instanceof RaptError)) throw error;
    return [{ what, ok: false, detail: error.message, fix: null }];
  }
}

/** Whether each kind of worker asked this server for work lately, from any machine. */
async function workerFindings(link: Link, tenant: string): Promise<Finding[]> {
  const kinds = [
    { worker: 'control', queue: CONTROL_QUEUE, asksFor: 'workflow', start: 'rapt worker control' },
    {
      worker: 'client',
      queue: clientQueue(tenant),
      asksFor: 'activity',
      start: `rapt worker client --tenant ${tenant}`,
    },
    { worker: 'gpu', queue: GPU_QUEUE, asksFor: 'activity', start: 'rapt worker gpu' },
  ] as const;
  return Promise.all(
    kinds.map(async ({ worker, queue, asksFor, start }): Promise<Finding> => {
      const ok = await hasWorker(link, queue, asksFor);
      return {
        what: `${worker} worker`,
        ok,
        detail: ok
          ? `one asks for work on the queue ${queue}`
          : `none asks for work on the queue ${queue}: none runs, or those that do are at work`,
        fix: ok ? null : start,
      };
    }),
  );
}

/** Whether the store that the environment names answers and accepts the keys. */
async function storeFindings(tenant: string): Promise<Finding[]> {
  if (setting('RAPT_S3_ENDPOINT') === undefined) return [];
  const what = 'object store';
  try {
    const options = resolveStore({ kind: 'client', tenant });
    const silence = sleep(SILENCE_MS, undefined, { ref: false }).then(() => {
      throw new RaptError(
        ErrorKind.unavailable,
        `the object store at ${options.endpoint} says nothing for ${SILENCE_MS / 1000} s; is it up and reachable ` +
          'from here?',
      );
    });
    try {
      await Promise.race([createMinioStore(options).read('runs/'), silence]);
    } catch (error) {
      if (!(error instanceof RaptError)) throw error;
      // Given keys belong to one role. Being refused shows that the store answers: most roles may not read this.
      const isOfRole = error.kind === ErrorKind.accessDenied && 'keys' in options;
      if (isOfRole) return [{ what, ok: true, detail: `at ${options.endpoint}, bucket ${options.bucket}`, fix: null }];
      if (error.kind !== ErrorKind.notFound) throw error;
      return [
        {
          what,
          ok: true,
          detail: `at ${options.endpoint}; the first worker that starts makes the bucket ${options.bucket}`,
          fix: null,
        },
      ];
    }
    return [{ what, ok: true, detail: `at ${options.endpoint}, bucket ${options.bucket}`, fix: null }];
  } catch (error) {
    if (error instanceof BadInput) return [];
    if (!(error instanceof RaptError)) throw error;
    return [{ what, ok: false, detail: error.message, fix: null }];
  }
}

/** Null also for settings that cannot be used: `diagnose` tells of them. */
function namedTemporalOrNull(): ReturnType<typeof namedTemporal> {
  try {
    return namedTemporal();
  } catch (error) {
    if (error instanceof BadInput) return null;
    throw error;
  }
}
