import { join } from 'node:path';
import { ErrorKind, keys, RaptError, type ClientActivities, type ReportData } from '../../contracts/index.ts';
import { openRelease, textLengths } from '../../rapt/release/index.ts';
import { renderReport, sparseCurve } from '../../rapt/report/index.ts';
import { readBaseline } from './baseline.ts';
import { releaseFolder, runFolder, type ClientDependencies } from './home.ts';
import { findPlainBaseline, writeWhole } from './run-record.ts';

/** Points of the loss curve that go into the run's result. */
const CURVE_POINTS = 50;

/** The `report` activity: one HTML page, on this machine's disk and in the store. */
export async function report({ store, home }: ClientDependencies, request: Parameters<ClientActivities['report']>[0]): ReturnType<ClientActivities['report']> {
  const { run, config, localKey, adapter, release, metrics, audit = null, gates, history, timing, resumed } = request;
  const { tenant } = config;
  const folder = releaseFolder(home, tenant, localKey);
  const found = await openRelease(folder);
  if (found === null) throw new RaptError(ErrorKind.notFound, `the release ${release.digest} is not on this client any more`);
  const { manifest, unchangedRate } = found;
  const { classes, classCounts, rows, guarantee } = manifest;
  const plain = config.privacy.mechanism === 'none' ? null : findPlainBaseline(home, config);
  const earlier = readBaseline(home, config);
  const named = earlier === null ? null : { run: earlier.run, accuracy: earlier.accuracy };
  const data: ReportData = {
    run, tenant, config, classes, classCounts, rows, metrics, guarantee, unchangedRate, textLengths: await textLengths(folder, manifest), audit, history, adapter, release, gates, timing, resumed,
    baseline: plain, named,
  };
  const page = renderReport(data);
  const path = join(runFolder(home, tenant, run), 'report.html');
  await writeWhole(path, page);
  const key = `${keys.reportPrefix(tenant, run)}index.html`;
  const artifact = await store.put(key, Buffer.from(page), { contentType: 'text/html; charset=utf-8' });
  return { uri: `s3://${store.bucket}/${key}`, path, artifact, shown: { baselines: { named, plain }, curve: sparseCurve(history, CURVE_POINTS) } };
}
