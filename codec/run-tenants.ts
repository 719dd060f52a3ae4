/** Whose a payload is. The SDK tells a codec the workflow and no tenant, so a process that works for several learns
 *  from what it decrypts: a workflow's input comes before all else of it, also when its history is replayed, and it is
 *  encrypted with its tenant's key, or names him. */
import type { Payload, SerializationContext } from '@temporalio/common';
import { decode as textOf } from '@temporalio/common/lib/encoding.js';
import { ErrorKind, NOTICE_OF_RUN, RaptError } from '../contracts/index.ts';
import { tenantsOf, type CodecKey, type Keyring } from './keyring.ts';

/** Far more than a worker has in its memory at a time. A run that is forgotten is learnt of anew from its next
 *  payload. */
const MOST_RUNS = 100_000;
/** Of an input that names none. */
const DEFAULT_TENANT = 'local';

export class RunTenants {
  readonly #tenants: readonly string[];
  readonly #own: string | null;
  readonly #ofRun = new Map<string, string>();

  /** @param own of a process of one tenant. */
  constructor(keyring: Keyring, own: string | null) {
    this.#tenants = tenantsOf(keyring);
    this.#own = own;
  }

  /** Null when nobody knows. */
  of(payloads: readonly Payload[], context: SerializationContext | undefined): string | null {
    const known = this.#known(context) ?? payloads.map(tenantNamed).find((name) => name !== null) ?? null;
    return known ?? (this.#tenants.length === 1 ? this.#tenants[0]! : null);
  }

  /** @throws RaptError accessDenied for the key of another tenant than that whose run it is. */
  assertTenant({ id, tenant }: CodecKey, context: SerializationContext | undefined): void {
    const known = this.#known(context);
    if (tenant === undefined || known === null || tenant === known) return;
    throw new RaptError(
      ErrorKind.accessDenied,
      `a payload of tenant ${known} is encrypted with the key ${id} of tenant ${tenant}: it was copied there, or ` +
        'its sender has the wrong keys in RAPT_CODEC_KEYS_FILE',
    );
  }

  sawEncrypted({ tenant }: CodecKey, payload: Payload, context: SerializationContext | undefined): void {
    this.#learn(tenant ?? tenantNamed(payload), context);
  }

  /** A form or a command without keys may have started the run. */
  sawPlain(payload: Payload, context: SerializationContext | undefined): void {
    this.#learn(tenantNamed(payload) ?? DEFAULT_TENANT, context);
  }

  #known(context: SerializationContext | undefined): string | null {
    if (this.#own !== null) return this.#own;
    const run = runOf(context);
    const tenant = run === null ? undefined : this.#ofRun.get(run);
    if (run === null || tenant === undefined) return null;
    // The one that was asked for last is forgotten last.
    this.#ofRun.delete(run);
    this.#ofRun.set(run, tenant);
    return tenant;
  }

  #learn(tenant: string | null, context: SerializationContext | undefined): void {
    const run = runOf(context);
    if (
      run === null ||
      tenant === null ||
      this.#own !== null ||
      this.#ofRun.has(run) ||
      !this.#tenants.includes(tenant)
    )
      return;
    this.#ofRun.set(run, tenant);
    if (this.#ofRun.size > MOST_RUNS) this.#ofRun.delete(this.#ofRun.keys().next().value!);
  }
}

/** A run's messenger is of the run's tenant. */
function runOf(context: SerializationContext | undefined): string | null {
  const id = context?.workflowId;
  return id === undefined ? null : (NOTICE_OF_RUN.exec(id)?.[1] ?? id);
}

/** As inputs and requests name it. */
function tenantNamed({ metadata, data }: Payload): string | null {
  const encoding = metadata?.['encoding'];
  if (!encoding || textOf(encoding) !== 'json/plain' || !data) return null;
  try {
    const value = JSON.parse(textOf(data)) as { tenant?: unknown; config?: { tenant?: unknown } } | null;
    const tenant = value?.tenant ?? value?.config?.tenant;
    return typeof tenant === 'string' ? tenant : null;
  } catch {
    return null;
  }
}
