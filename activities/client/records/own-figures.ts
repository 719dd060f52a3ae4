/** What this client knows of a run by itself: exact figures for the owner, and what is told of them. Nothing here was
 *  sent by the workflow but the settings, and what the provider measured. */
import {
  ErrorKind,
  RaptError,
  type AuditResult,
  type GateResult,
  type Guarantee,
  type RunContext,
  type Sha256,
  type TestMetrics,
} from '../../../contracts/index.ts';
import {
  judgedValues,
  readGraded,
  releasedAudit,
  releasedMetrics,
  sizeOf,
  toldUnchanged,
  whyNotTold,
} from '../../../rapt/client/index.ts';
import { checkGates } from '../../../rapt/evaluation/index.ts';
import { releaseFolder, runFolder } from '../../../rapt/home.ts';
import { openRelease } from '../../../rapt/release/index.ts';
import { readAudited } from './audited.ts';
import { readBaseline } from './baseline.ts';
import type { ToldFigures } from './run-record.ts';

export interface OwnFigures {
  readonly localKey: string;
  readonly guarantee: Guarantee;
  readonly backboneSha256: Sha256;
  readonly metrics: TestMetrics;
  readonly audit: AuditResult | null;
  /** To three digits. */
  readonly unchangedRate: number;
  /** By what is told, with reasons. */
  readonly gates: readonly GateResult[];
  readonly told: ToldFigures;
}

/** @param reconstruction as the provider measured it. @throws RaptError notFound when this client has not graded the
 *  run. */
export async function ownFigures(
  home: string,
  { run, config }: RunContext,
  reconstruction: TestMetrics['reconstruction'],
): Promise<OwnFigures> {
  const { tenant } = config;
  const graded = await readGraded(runFolder(home, tenant, run));
  if (graded === null)
    throw new RaptError(
      ErrorKind.notFound,
      `this client has not graded run ${run}: its folder was removed, or an earlier version graded it; ` +
        `\`rapt resume ${run}\` trains nothing again and grades it`,
    );
  const { localKey } = graded;
  const release = await openRelease(releaseFolder(home, tenant, localKey));
  if (release === null)
    throw new RaptError(ErrorKind.notFound, `the release of run ${run} is not on this client any more`);
  const { manifest, unchangedRate } = release;
  const size = sizeOf(manifest);
  const audit = await readAudited(home, { run, config }, localKey);
  const told: ToldFigures = {
    metrics: releasedMetrics(graded.told, graded.own.n, reconstruction),
    audit: audit === null ? null : releasedAudit(audit),
    unchangedRate: toldUnchanged(unchangedRate, size),
  };
  const { metrics: test, ...beside } = told;
  const values = judgedValues({ test, ...beside }, audit?.attributes ?? []);
  return {
    localKey,
    guarantee: manifest.guarantee,
    backboneSha256: manifest.backbone.sha256,
    metrics: { ...graded.own, reconstruction },
    audit,
    unchangedRate: Math.round(unchangedRate * 1000) / 1000,
    gates: checkGates(
      config.gates,
      values,
      readBaseline(home, config),
      whyNotTold({ graded: graded.told, audit, size }),
    ),
    told,
  };
}
