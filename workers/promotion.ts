/** Which version of the workflows new runs begin on: the server's "current version" of the deployment. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { NativeConnection } from '@temporalio/worker';
import { ErrorKind, RaptError } from '../contracts/index.ts';
import { isRefusal } from '../infra/index.ts';

/** Time in which the server must know a version that has begun to poll. */
const REGISTRATION_TIMEOUT_MS = 30_000;
const POLL_MS = 200;
/** gRPC's INVALID_ARGUMENT, PERMISSION_DENIED, UNIMPLEMENTED and UNAUTHENTICATED: asking again does not help. */
const FINAL_CODES: ReadonlySet<unknown> = new Set([3, 7, 12, 16]);

export interface Version {
  readonly deploymentName: string;
  readonly buildId: string;
}

/** When a version becomes the current one. `whenNew` leaves out a version that was current before and was replaced: its
 *  worker has only been started again. */
export type Promotion = 'always' | 'whenNew' | 'never';

/** Makes this version the current one, on which new runs begin, and runs that go on in a new history. The server learns
 *  of a version by its worker's first poll.
 *  @returns the version that stays current in place of this one; null when this one is current, or nothing was asked
 *  for.
 *  @throws RaptError unavailable when the server does not take it. */
export async function promote(
  connection: NativeConnection,
  namespace: string,
  version: Version,
  promotion: Promotion,
): Promise<string | null> {
  if (promotion === 'never') return null;
  const deadline = Date.now() + REGISTRATION_TIMEOUT_MS;
  for (;;) {
    try {
      return await connection.withDeadline(deadline, () => tryToPromote(connection, namespace, version, promotion));
    } catch (cause) {
      if (cause instanceof RaptError) throw cause;
      if (Date.now() > deadline || FINAL_CODES.has(codeOf(cause))) throw notTaken(version, cause);
      await sleep(POLL_MS);
    }
  }
}

async function tryToPromote(
  connection: NativeConnection,
  namespace: string,
  { deploymentName, buildId }: Version,
  promotion: Promotion,
): Promise<string | null> {
  const { workerDeploymentInfo: deployment, conflictToken } = await connection.workflowService.describeWorkerDeployment(
    { namespace, deploymentName },
  );
  const known = deployment?.versionSummaries?.find(({ deploymentVersion }) => deploymentVersion?.buildId === buildId);
  if (known === undefined) throw new Error('the server has not heard of this version yet');
  const current = deployment?.routingConfig?.currentDeploymentVersion?.buildId ?? null;
  if (current === buildId) return null;
  if (promotion === 'whenNew' && current !== null && known.lastCurrentTime) return current;
  const manager = deployment?.managerIdentity ?? '';
  if (manager !== '')
    throw new RaptError(
      ErrorKind.accessDenied,
      `only "${manager}" may change the versions of the deployment ${deploymentName}; ` +
        'start this worker with --no-promote, and have it made current by them',
    );
  // The token refuses this when another worker has changed the current version since it was read.
  await connection.workflowService.setWorkerDeploymentCurrentVersion({
    namespace,
    deploymentName,
    buildId,
    conflictToken,
    identity: `rapt-control-${process.pid}`,
  });
  return null;
}

function notTaken({ deploymentName, buildId }: Version, cause: unknown): RaptError {
  const reason = cause instanceof Error ? (cause.message.split('\n', 1)[0] ?? '').slice(0, 200) : 'unknown error';
  return new RaptError(
    isRefusal(cause) ? ErrorKind.accessDenied : ErrorKind.unavailable,
    `Temporal does not take version ${buildId} of the workflows for the current one (${reason}); ` +
      `see \`temporal worker deployment describe --name ${deploymentName}\``,
    { cause },
  );
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);
