/** To which tenant a payload belongs. The SDK tells a codec the workflow, not the tenant, so a process that works for
 *  several learns it from what it decrypts. A workflow's input comes before everything else of the workflow, also when
 *  its history is replayed; it is encrypted with its tenant's key, or it names the tenant. */
import type { Payload, SerializationContext } from '@temporalio/common';
import { decode as textOf } from '@temporalio/common/lib/encoding.js';
import { ErrorKind, NOTICE_OF_RUN, RaptError } from '../contracts/index.ts';
import { tenantsOf, type CodecKey, type Keyring } from './keyring.ts';

/** Far more than a worker has in its memory at a time. The tenant of a run that was forgotten is learnt again from the
 *  run's next payload. */
const MOST_RUNS = 100_000;
/** The tenant of an input that names none. */
const DEFAULT_TENANT = 'local';

export class RunTenants {
  readonly #tenants: readonly string[];
  readonly #own: string | null;
  readonly #ofRun = new Map<string, string>();

  /** @param own the tenant of a process that works for one; null for a process that works for several. */
  constructor(keyring: Keyring, own: string | null) {
    this.#tenants = tenantsOf(keyring);
    this.#own = own;
  }

  /** The tenant to whom payloads belong; null when it is not known. */
  of(payloads: readonly Payload[], context: SerializationContext | undefined): string | null {
    const known = this.#known(context) ?? payloads.map(tenantNamed).find((name) => name !== null) ?? null;
    return known ?? (this.#tenants.length === 1 ? this.#tenants[0]! : null);
  }

  /** @throws RaptError accessDenied when the key is not of the tenant whose run this is. */
  assertTenant({ id, tenant }: CodecKey, context: SerializationContext | undefined): void {
    const known = this.#known(context);
    if (tenant === undefined || known === null || tenant === known) return;
    throw new RaptError(
      ErrorKind.accessDenied,
      `a payload of tenant ${known} is encrypted with the key ${id} of tenant ${tenant}: ` +
        'it was copied there, or its sender has the wrong keys in RAPT_CODEC_KEYS_FILE',
    );
  }

  sawEncrypted({ tenant }: CodecKey, payload: Payload, context: SerializationContext | undefined): void {
    this.#learn(tenant ?? tenantNamed(payload), context);
  }

  /** Learns from a payload that is not encrypted: a form or a command without keys may have started the run. */
  sawPlain(payload: Payload, context: SerializationContext | undefined): void {
    this.#learn(tenantNamed(payload) ?? DEFAULT_TENANT, context);
  }

  #known(context: SerializationContext | undefined): string | null {
    if (this.#own !== null) return this.#own;
    const run = runOf(context);
    const tenant = run === null ? undefined : this.#ofRun.get(run);
    if (run === null || tenant === undefined) return null;
    // Moved to the end of the map: the run that was asked for last is forgotten last.
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

/** The run of which a context speaks: a run's messenger belongs to the run's tenant. */
function runOf(context: SerializationContext | undefined): string | null {
  const id = context?.workflowId;
  return id === undefined ? null : (NOTICE_OF_RUN.exec(id)?.[1] ?? id);
}

/** The tenant that an input or a request names; null when it names none. */
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
