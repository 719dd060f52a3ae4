import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import {
  canonicalJson,
  ErrorKind,
  keys,
  RaptError,
  REPORT_FILES,
  REPORT_PAGE,
  SEALED_ENDING,
  type ArtifactRef,
  type ClientActivities,
  type FrontierPoint,
  type Guarantee,
  type ReportData,
  type ReportFiles,
} from '../../contracts/index.ts';
import { zipfFrontier } from '../../rapt/attacks/index.ts';
import { openBackbone } from '../../rapt/backbone/index.ts';
import { inPercent, sealReport } from '../../rapt/client/index.ts';
import { releaseFolder, reportFile, runFolder, tenantFolder } from '../../rapt/home.ts';
import { clientSecret } from '../../rapt/ledger/index.ts';
import { openRelease, textLengths } from '../../rapt/release/index.ts';
import { renderReport, renderReportMarkdown, shareableConfig, sparseCurve } from '../../rapt/report/index.ts';
import { codeVersion, readWritten, sha256Of, writeOnce } from '../../system/index.ts';
import { beat } from '../heartbeat.ts';
import { readBaseline, toldRun } from './records/baseline.ts';
import type { ClientDependencies } from './dependencies.ts';
import { ownFigures } from './records/own-figures.ts';
import { configurationDigest } from './records/configuration-digest.ts';
import { findPlainBaseline, otherRuns } from './records/other-runs.ts';
import { writeWhole } from './records/run-file.ts';

/** Points of the loss curve that go into the run's result. */
const CURVE_POINTS = 50;
/** Of output tokens: beyond, the pass over all pairs takes long and its counts do not fit. */
const LARGEST_FRONTIER = 65_535;

type ReportRequest = Parameters<ClientActivities['report']>[0];

/** The `report` activity: a page for people, and the same as Markdown and as JSON, on this machine's disk; the store
 *  gets them sealed, since they are for the owner. What a report shows is written down before anything is made of it,
 *  since other runs may end meanwhile: an attempt that comes after a killed one makes the same bytes. */
export async function report(
  { store, home, reportsUrl }: ClientDependencies,
  request: ReportRequest,
): ReturnType<ClientActivities['report']> {
  const {
    run,
    config: { tenant },
  } = request;
  const folder = runFolder(home, tenant, run);
  const facts = join(folder, `report-${sha256Of(canonicalJson(request)).slice(0, 16)}.json`);
  const known = await readWritten(facts);
  if (known === null) await writeOnce(folder, facts, Buffer.from(JSON.stringify(await gather(home, request), null, 2)));
  const json = known ?? (await readFile(facts));
  const data = JSON.parse(json.toString('utf8')) as ReportData;
  const page = await renderReport(data);
  const markdown = await renderReportMarkdown(data);
  await writeWhole(reportFile(home, tenant, run), page);
  await writeWhole(join(folder, 'report.json'), json.toString('utf8'));
  await writeWhole(join(folder, 'report.md'), markdown);
  const prefix = keys.reportPrefix(tenant, run);
  const secret = await clientSecret(tenantFolder(home, tenant));
  const put = (name: string, content: Buffer): Promise<ArtifactRef> => {
    const key = `${prefix}${name}${SEALED_ENDING}`;
    return store.put(key, sealReport(secret, key, content), { contentType: 'application/octet-stream' });
  };
  const [jsonName, markdownName] = REPORT_FILES;
  const files: ReportFiles = {
    [jsonName]: await put(jsonName, json),
    [markdownName]: await put(markdownName, Buffer.from(markdown)),
  };
  const artifact = await put(REPORT_PAGE, Buffer.from(page));
  const baselines = { named: toldRun(home, tenant, data.named), plain: toldRun(home, tenant, data.baseline) };
  const link = reportsUrl === undefined ? {} : { link: `${reportsUrl}/${tenant}/${encodeURIComponent(run)}` };
  return {
    uri: `s3://${store.bucket}/${artifact.key}`,
    ...link,
    artifact,
    files,
    shown: { baselines, curve: sparseCurve(data.history, CURVE_POINTS) },
  };
}

async function gather(
  home: string,
  { run, config, adapter, release, metrics: { reconstruction }, history, timing, resumed, notes }: ReportRequest,
): Promise<ReportData> {
  const { tenant } = config;
  const { localKey, metrics, audit, gates } = await ownFigures(home, { run, config }, reconstruction);
  const folder = releaseFolder(home, tenant, localKey);
  const found = await openRelease(folder);
  if (found === null)
    throw new RaptError(ErrorKind.notFound, `the release ${release.digest} is not on this client any more`);
  const { manifest, unchangedRate, unknownRate } = found;
  const { classes, classCounts, rows, guarantee, backbone } = manifest;
  const plain = config.privacy.mechanism === 'none' ? null : findPlainBaseline(home, config);
  const earlier = readBaseline(home, config);
  return {
    format: 'rapt-report/1',
    run,
    tenant,
    config: shareableConfig(config),
    classes,
    classCounts,
    rows,
    metrics,
    guarantee,
    unchangedRate,
    textLengths: await textLengths(folder, manifest),
    audit,
    history,
    adapter,
    release,
    gates,
    timing,
    resumed,
    ...(unknownRate !== null && { unknownRate: inPercent(unknownRate) / 100 }),
    ...(notes !== undefined && { notes }),
    baseline: plain,
    named: earlier === null ? null : { run: earlier.run, accuracy: earlier.accuracy },
    frontier: await frontierOf(config.backbone, guarantee),
    others: otherRuns(home, run, config, guarantee.table.sha256),
    lineage: { backbone: backbone.sha256, configuration: await configurationDigest(home, config), code: codeVersion() },
  };
}

/** The first run on a machine with a table and a mechanism makes it; others find it. */
async function frontierOf(
  backbone: string,
  { mechanism, table: { outputTokens } }: Guarantee,
): Promise<FrontierPoint[]> {
  if (mechanism === 'none' || outputTokens > LARGEST_FRONTIER) return [];
  const { cancellationSignal } = Context.current();
  return zipfFrontier(mechanism, await openBackbone(backbone), ({ eta }) => {
    cancellationSignal.throwIfAborted();
    beat({ frontier: eta });
  });
}
