/** The owner's word for one request: that of whoever starts it by the command on the client's own machine.
 *
 *  It is a file in the client's home, named by a keyed digest of the request: run, type and every setting. So it allows
 *  exactly that run with exactly these settings; nobody who lacks the home's secret can make one, and it does not
 *  travel with the request, so that there is nothing to be copied. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createHmac } from 'node:crypto';
import { canonicalJson } from '../../contracts/index.ts';
import { makeFolder, writeOnce } from '../../system/index.ts';
import { clientSecret } from '../ledger/index.ts';

export interface Approvable {
  readonly type: 'tuning' | 'prediction';
  /** Workflow id. */
  readonly id: string;
  /** As it was parsed, every default filled in. */
  readonly request: object;
}

/** @param tenantFolder of the client's home. Safe to be called twice, and to be killed. */
export async function approve(tenantFolder: string, approvable: Approvable): Promise<void> {
  const path = await fileOf(tenantFolder, approvable);
  makeFolder(join(tenantFolder, 'approvals'), 0o700);
  await writeOnce(join(tenantFolder, 'approvals'), path, Buffer.from(canonicalJson({ format: 'rapt-approval/1', type: approvable.type, id: approvable.id, at: new Date().toISOString() })));
}

export async function isApproved(tenantFolder: string, approvable: Approvable): Promise<boolean> {
  // To ask makes no secret.
  if (!existsSync(join(tenantFolder, 'approvals'))) return false;
  return existsSync(await fileOf(tenantFolder, approvable));
}

async function fileOf(tenantFolder: string, { type, id, request }: Approvable): Promise<string> {
  const secret = await clientSecret(tenantFolder);
  const digest = createHmac('sha256', secret).update(`approval\0${canonicalJson({ type, id, request })}`).digest('hex');
  return join(tenantFolder, 'approvals', digest);
}
