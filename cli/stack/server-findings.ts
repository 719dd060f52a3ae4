/** What `rapt doctor` says of servers: it asks those that this process would use, and changes nothing there. */
import { Client } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { BadInput, clientQueue, CONTROL_QUEUE, ErrorKind, GPU_QUEUE, RaptError } from '../../contracts/index.ts';
import { examineServer, stackStatus, type Finding } from '../../infra/index.ts';
import { namedTemporal, resolveServices, resolveStore } from '../../settings/index.ts';
import { createMinioStore } from '../../storage/index.ts';
import { setting } from '../../system/index.ts';
import { connectTemporal, type Link } from '../temporal/connection.ts';
import { hasWorker } from '../temporal/task-queues.ts';

/** Nobody waits longer for a store to be looked at. */
const SILENCE_MS = 15_000;

/** Without local servers that do not run, which are told elsewhere. @param tenant whose client worker is looked for. */
export async function serverFindings(tenant: string): Promise<Finding[]> {
  return [...(await serverOfRuns(tenant)), ...(await storeFindings(tenant))];
}

async function serverOfRuns(tenant: string): Promise<Finding[]> {
  const isLocal = namedTemporalOrNull() === null;
  if (isLocal && !stackStatus().some(({ component, running }) => component === 'temporal' && running)) return [];
  return temporalFindings(isLocal ? null : tenant);
}

/** @param tenant null where the workers are those of the local stack, which are told elsewhere. */
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

/** Workers that asked this server for work lately, on whichever machine. */
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

/** Of a store that the environment names: whether it answers, and takes the keys. */
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
      // Keys that are given are of one role, and no role but one may read everything.
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

/** Settings that cannot be used are told elsewhere. */
function namedTemporalOrNull(): ReturnType<typeof namedTemporal> {
  try {
    return namedTemporal();
  } catch (error) {
    if (error instanceof BadInput) return null;
    throw error;
  }
}
