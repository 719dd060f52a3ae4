/** The client worker. It runs where a tenant's data lies, and is the only worker that sees the data. */
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { createClientActivities } from '../activities/client/index.ts';
import { createSeals } from '../codec/index.ts';
import { clientQueue } from '../contracts/index.ts';
import { namedTemporal, readTablesFromS3, resolveOwnerKeys, resolveWebhook, type Services } from '../settings/index.ts';
import { countReleasesFromZero } from '../telemetry/index.ts';
import { openStore, serve } from './serve.ts';

/** Privatizing keeps one core busy, and uploading one network connection, so more activities at a time would only take
 *  more memory. */
const CONCURRENT_ACTIVITIES = 4;

/** @param home the folder under which releases and results of all tenants of this machine lie. */
export async function runClientWorker(
  services: Services,
  { tenant, home }: { tenant: string; home: string },
): Promise<void> {
  readTablesFromS3();
  const named = resolveWebhook();
  const webhook = named === null ? undefined : { ...named, uiUrl: services.temporal.uiUrl };
  const seals = createSeals(resolveOwnerKeys(namedTemporal() === null), tenant);
  const store = await openStore(services, { kind: 'client', tenant });
  const activities = createClientActivities({
    store,
    home: join(home, 'client'),
    tenant,
    webhook,
    seals,
    ...(services.reportsUrl !== null && { reportsUrl: services.reportsUrl }),
  });
  const taskQueue = clientQueue(tenant);
  await serve(
    'client',
    services,
    (defaults) => {
      countReleasesFromZero(tenant, taskQueue);
      return Worker.create({
        ...defaults,
        taskQueue,
        activities,
        maxConcurrentActivityTaskExecutions: CONCURRENT_ACTIVITIES,
      });
    },
    undefined,
    { tenant },
  );
}
