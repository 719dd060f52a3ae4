import {
  canonicalJson,
  ErrorKind,
  keys,
  onlyReleased,
  RaptError,
  type AdapterCard,
  type AdapterRef,
  type ClientActivities,
  type OwnResult,
  type ReleasedResult,
  type ReportData,
  type RunContext,
} from '../../contracts/index.ts';
import { assertCardOfRelease, releasedGates } from '../../rapt/client/index.ts';
import { releaseFolder, reportFile, runFile } from '../../rapt/home.ts';
import { openRelease } from '../../rapt/release/index.ts';
import { writeRunManifest } from '../../storage/index.ts';
import { codeVersion, readWritten } from '../../system/index.ts';
import type { ClientDependencies } from './dependencies.ts';
import { configurationDigest } from './records/configuration-digest.ts';
import { ownFigures, type OwnFigures } from './records/own-figures.ts';
import { writeRunRecord } from './records/run-record.ts';
import { readStoredCard } from './stored-results.ts';

type RegisterRequest = Parameters<ClientActivities['register']>[0];

/** The card that lies beside a run's adapter, once it is known to be the one that this run's release and settings make.
 *  @throws RaptError corruptArtifact when it is another. */
export async function ownCard(
  { store, home }: ClientDependencies,
  { config: { tenant, tuning } }: RunContext,
  localKey: string,
  adapter: AdapterRef,
): Promise<AdapterCard> {
  const found = await openRelease(releaseFolder(home, tenant, localKey));
  if (found === null) throw new RaptError(ErrorKind.notFound, 'the release is not on this client any more');
  const card = await readStoredCard(store, adapter);
  assertCardOfRelease(card, found, tuning);
  return card;
}

/** The `register` activity: the run can be found by its id from now on, here by `rapt predict`, in the store by
 *  whoever may read it. Here it is kept with the owner's exact figures, there with those that are told.
 *  @param card of the adapter, as the owner knows it to be right. */
export async function register(
  { store, home }: ClientDependencies,
  request: RegisterRequest,
  card?: AdapterCard,
): Promise<void> {
  const { run, config, adapter, checkpoint, release, predictions, report, reportFiles, code, result } = request;
  const { tenant } = config;
  const own = await ownFigures(home, request, result.metrics.test.reconstruction);
  await writeRunRecord(home, tenant, run, {
    config,
    adapter,
    result: await ownResult(home, request, own),
    told: own.told,
    ...(card !== undefined && { card }),
  });
  const stored = await store.put(keys.runResult(tenant, run), Buffer.from(canonicalJson(toldResult(request, own))), {
    contentType: 'application/json',
  });
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

/** The result as the workflow has it, with this client's own figures in place of those that came back. */
async function ownResult(
  home: string,
  { run, config: { tenant }, result }: RegisterRequest,
  own: OwnFigures,
): Promise<OwnResult> {
  const { metrics, audit, gates, unchangedRate } = own;
  // The report was written a moment ago, of the same figures.
  const bytes = await readWritten(runFile(home, tenant, run, 'report.json'));
  const report = bytes === null ? null : (JSON.parse(bytes.toString('utf8')) as ReportData);
  const { baselines: _, ...others } = result;
  return {
    ...others,
    metrics: { test: metrics },
    privacy: privacyOf(own, unchangedRate),
    audit: audit ?? {},
    gates,
    report: { uri: result.report.uri, path: reportFile(home, tenant, run) },
    ...(report !== null && { baselines: { named: report.named, plain: report.baseline } }),
  };
}

function toldResult({ result }: RegisterRequest, own: OwnFigures): ReleasedResult {
  const {
    told: { metrics, audit, unchangedRate },
    gates,
  } = own;
  // Without the path of the report on this machine.
  const shared = {
    ...result,
    metrics: { test: metrics },
    privacy: privacyOf(own, unchangedRate),
    audit: audit ?? {},
    gates: releasedGates(gates),
    report: { uri: result.report.uri },
  };
  return onlyReleased('result.json', shared) as ReleasedResult;
}

const privacyOf = <Rate>({ guarantee, backboneSha256 }: OwnFigures, unchangedRate: Rate) => ({
  mechanism: guarantee.mechanism,
  eta: guarantee.eta,
  unchangedRate,
  backboneSha256,
  guarantee,
});
