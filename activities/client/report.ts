import { join } from 'node:path';
import { ErrorKind, keys, RaptError, type ClientActivities, type ReportData } from '../../contracts/index.ts';
import { openRelease, textLengths } from '../../rapt/release/index.ts';
import { renderReport } from '../../rapt/report/index.ts';
import { releaseFolder, runFolder, type ClientDependencies } from './home.ts';
import { findPlainBaseline, writeWhole } from './run-record.ts';

/** The `report` activity: one HTML page, on this machine's disk and in the store. */
export async function report({ store, home }: ClientDependencies, request: Parameters<ClientActivities['report']>[0]): ReturnType<ClientActivities['report']> {
  const { run, config, localKey, adapter, release, metrics, audit = null, gates, history, timing, resumed } = request;
  const { tenant } = config;
  const folder = releaseFolder(home, tenant, localKey);
  const found = await openRelease(folder);
  if (found === null) throw new RaptError(ErrorKind.notFound, `the release ${release.digest} is not on this client any more`);
  const { manifest, unchangedRate } = found;
  const { classes, classCounts, rows, guarantee } = manifest;
  const data: ReportData = {
    run, tenant, config, classes, classCounts, rows, metrics, guarantee, unchangedRate, textLengths: await textLengths(folder, manifest), audit, history, adapter, release, gates, timing, resumed,
    baseline: config.privacy.mechanism === 'none' ? null : findPlainBaseline(home, config),
  };
  const page = renderReport(data);
  const path = join(runFolder(home, tenant, run), 'report.html');
  await writeWhole(path, page);
  const key = `${keys.reportPrefix(tenant, run)}index.html`;
  const artifact = await store.put(key, Buffer.from(page), { contentType: 'text/html; charset=utf-8' });
  return { uri: `s3://${store.bucket}/${key}`, path, artifact };
}
