import { Context } from '@temporalio/activity';
import {
  auditSchema,
  canonicalJson,
  type AuditResult,
  type ClientActivities,
  type ReleasedAudit,
  type RunContext,
} from '../../contracts/index.ts';
import { attackRelease, releasedAudit } from '../../rapt/client/index.ts';
import { releaseFolder, runFile, runFolder } from '../../rapt/home.ts';
import { readWritten, sha256Of, writeOnce } from '../../system/index.ts';
import { openSpan, type OpenSpan } from '../../telemetry/index.ts';
import { beat } from '../heartbeat.ts';
import type { ClientDependencies } from './dependencies.ts';

/** The `audit` activity. What the attacks got exactly is written down for the owner first. */
export async function auditRelease(
  { home }: ClientDependencies,
  { run, config, release }: Parameters<ClientActivities['audit']>[0],
): Promise<ReleasedAudit> {
  const { localKey } = release;
  const known = await readAudited(home, { run, config }, localKey);
  if (known !== null) return releasedAudit(known);
  const found = await attack(releaseFolder(home, config.tenant, localKey), config);
  const folder = runFolder(home, config.tenant, run);
  await writeOnce(folder, auditedFile(home, { run, config }, localKey), Buffer.from(JSON.stringify(found, null, 2)));
  return releasedAudit(found);
}

async function attack(folder: string, config: RunContext['config']): Promise<AuditResult> {
  const { cancellationSignal } = Context.current();
  let current: OpenSpan | null = null;
  try {
    const onAttack = (name: string): void => {
      beat({ attack: name });
      current?.end();
      current = openSpan(`attack: ${name}`);
    };
    return await attackRelease(folder, config, onAttack, cancellationSignal);
  } finally {
    (current as OpenSpan | null)?.end();
  }
}

/** What a run's attacks got on this release, exactly; null when it was not attacked, or by an earlier version. */
export async function readAudited(home: string, context: RunContext, localKey: string): Promise<AuditResult | null> {
  const bytes = await readWritten(auditedFile(home, context, localKey));
  return bytes === null ? null : auditSchema.parse(JSON.parse(bytes.toString('utf8')));
}

/** By what was attacked and how. */
function auditedFile(home: string, { run, config: { tenant, audit, data } }: RunContext, localKey: string): string {
  const asked = sha256Of(canonicalJson({ localKey, audit, attributeColumns: data.attributeColumns }));
  return runFile(home, tenant, run, `audited-${asked.slice(0, 16)}.json`);
}
