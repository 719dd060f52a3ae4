import { Context } from '@temporalio/activity';
import type { AuditResult, ClientActivities, ReleasedAudit, RunContext } from '../../contracts/index.ts';
import { attackRelease, releasedAudit } from '../../rapt/client/index.ts';
import { releaseFolder } from '../../rapt/home.ts';
import { openSpan, type OpenSpan } from '../../telemetry/index.ts';
import { beat } from '../heartbeat.ts';
import type { ClientDependencies } from './dependencies.ts';
import { readAudited, writeAudited } from './records/audited.ts';

/** The `audit` activity. What the attacks got exactly is written down for the owner first. */
export async function auditRelease(
  { home }: ClientDependencies,
  { run, config, release }: Parameters<ClientActivities['audit']>[0],
): Promise<ReleasedAudit> {
  const { localKey } = release;
  const known = await readAudited(home, { run, config }, localKey);
  if (known !== null) return releasedAudit(known);
  const found = await attack(releaseFolder(home, config.tenant, localKey), config);
  await writeAudited(home, { run, config }, localKey, found);
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
