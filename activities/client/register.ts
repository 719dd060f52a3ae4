import { canonicalJson, keys, type ClientActivities } from '../../contracts/index.ts';
import { writeRunManifest } from '../../storage/index.ts';
import { codeVersion } from '../../system/index.ts';
import type { ClientDependencies } from './dependencies.ts';
import { configurationDigest, writeRunRecord } from './run-record.ts';

/** The `register` activity: the run can be found by its id from now on, here by `rapt predict`, in the store by whoever may read it. */
export async function register({ store, home }: ClientDependencies, request: Parameters<ClientActivities['register']>[0]): Promise<void> {
  const { run, config, adapter, checkpoint, release, predictions, report, reportFiles, code, result } = request;
  const { tenant } = config;
  await writeRunRecord(home, tenant, run, { config, adapter, result });
  // Without the path of the report on this machine.
  const shared = { ...result, report: { uri: result.report.uri } };
  const stored = await store.put(keys.runResult(tenant, run), Buffer.from(canonicalJson(shared)), { contentType: 'application/json' });
  await writeRunManifest(store, tenant, run, {
    format: 'rapt-run/1',
    run,
    runId: result.runId,
    configuration: await configurationDigest(home, config),
    code: { ...code, client: codeVersion() },
    release,
    checkpoint,
    adapter,
    predictions,
    report,
    ...(reportFiles && { reportFiles }),
    result: stored,
    resumed: result.resumed,
  });
}
