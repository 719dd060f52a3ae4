import { Context } from '@temporalio/activity';
import type { AuditResult, ClientActivities } from '../../contracts/index.ts';
import { attackRelease } from '../../rapt/client/index.ts';
import { releaseFolder } from '../../rapt/home.ts';
import { openSpan, type OpenSpan } from '../../telemetry/index.ts';
import { beat } from '../heartbeat.ts';
import type { ClientDependencies } from './dependencies.ts';

/** The `audit` activity. */
export async function auditRelease({ home }: ClientDependencies, { config, release }: Parameters<ClientActivities['audit']>[0]): Promise<AuditResult> {
  const { cancellationSignal } = Context.current();
  let current: OpenSpan | null = null;
  try {
    const onAttack = (attack: string): void => {
      beat({ attack });
      current?.end();
      current = openSpan(`attack: ${attack}`);
    };
    return await attackRelease(releaseFolder(home, config.tenant, release.localKey), config, onAttack, cancellationSignal);
  } finally {
    (current as OpenSpan | null)?.end();
  }
}
