/** One client for each tenant. Budgets bound what left by one ledger, and a text has one noisy version under one key: a
 *  second client of the same tenant would draw texts again, and count them from nothing. So the client that releases
 *  first leaves a mark in the store, a keyed digest of a fixed text, and one that has another key is refused.
 *
 *  It guards against mistakes of the owner's side. The provider may remove or change the mark; it gains nothing that it
 *  does not have anyway, and a client that finds another mark than its own draws nothing. */
import { createHmac } from 'node:crypto';
import { BadInput, canonicalJson, ErrorKind, keys, RaptError, type ClientMark } from '../../../contracts/index.ts';
import { tenantFolder } from '../../../rapt/home.ts';
import { clientSecret, knownSecret } from '../../../rapt/ledger/index.ts';
import type { ClientDependencies } from '../dependencies.ts';

/** Bytes may change on the way, so that another client's mark is believed only after so many readings. */
const MOST_READINGS = 3;

type Home = Pick<ClientDependencies, 'store' | 'home'>;

/** Whether another client releases this tenant's texts. Changes nothing. @returns the problem in a sentence; null when
 *  it is this one, or nobody yet. */
export async function otherHome({ store, home }: Home, tenant: string): Promise<string | null> {
  const folder = tenantFolder(home, tenant);
  const secret = await knownSecret(folder);
  for (let reading = 1; reading <= MOST_READINGS; reading++) {
    const stored = await store.read(keys.client(tenant));
    if (stored === null || (secret !== null && isMarkOf(stored.body, tenant, secret))) return null;
  }
  return (
    `another client has released texts of tenant ${tenant}: its key and its ledger are not those of this one, ` +
    'which would release texts again, and would not count what left there. ' +
    `To move, copy the folder of this tenant in the other client's home to ${folder}; where it is lost, \`rapt ` +
    `ledger adopt --tenant ${tenant}\` says what going on without it means`
  );
}

/** @throws BadInput when another client releases this tenant's texts. */
export async function assertOneHome(client: Home, tenant: string): Promise<void> {
  const problem = await otherHome(client, tenant);
  if (problem !== null) throw new BadInput([{ where: 'tenant', problem }]);
}

/** Marks the tenant as this client's, before its first release leaves; a mark that is there stays. @throws BadInput as
 *  `assertOneHome`. */
export async function claimTenant(client: Home, tenant: string): Promise<void> {
  const { store, home } = client;
  if ((await store.read(keys.client(tenant))) === null) {
    const mark = markOf(tenant, await clientSecret(tenantFolder(home, tenant)));
    await store.compareAndSwap(keys.client(tenant), mark, null).catch((error: unknown) => {
      // Another attempt was first, or another client: whose mark it is, is looked at below.
      if (!(error instanceof RaptError) || error.kind !== ErrorKind.overtaken) throw error;
    });
  }
  await assertOneHome(client, tenant);
}

/** Puts this client's mark in the place of what is there. What another client has released is not in this one's ledger,
 *  and is not counted.
 *  @returns whether another mark was replaced. */
export async function adoptTenant({ store, home }: Home, tenant: string): Promise<boolean> {
  const key = keys.client(tenant);
  const secret = await clientSecret(tenantFolder(home, tenant));
  const stored = await store.read(key);
  if (stored !== null && isMarkOf(stored.body, tenant, secret)) return false;
  await store.compareAndSwap(key, markOf(tenant, secret), stored?.etag ?? null);
  return stored !== null;
}

function markOf(tenant: string, secret: Uint8Array): Buffer {
  const client = createHmac('sha256', secret).update(`client of tenant ${tenant}`).digest('hex');
  return Buffer.from(canonicalJson({ format: 'rapt-client/1', client } satisfies ClientMark));
}

/** A damaged mark is nobody's. */
const isMarkOf = (body: Buffer, tenant: string, secret: Uint8Array): boolean => body.equals(markOf(tenant, secret));
