/** Payloads as their owner sees them: seals are opened for showing, and what the owner sends is sealed. This codec
 *  stands before the one that encrypts, and only on the owner's side: in the command, and in the codec server for
 *  Temporal's UI. */
import type { Payload, PayloadCodec, SerializationContext } from '@temporalio/common';
import { decode as textOf, encode as bytesOf } from '@temporalio/common/lib/encoding.js';
import { FAILURE_FIELD, isRunOf, isSealed, isTenantName, mapStrings, SEALED, sealInput } from '../contracts/index.ts';
import type { Keyring } from './keyring.ts';
import { createSeals, openAnywhere } from './seals.ts';

/** @param ownerKeys null when there are none: nothing is then sealed or opened. */
export function createOwnerView(ownerKeys: Keyring | null): PayloadCodec {
  const each =
    (change: (value: object, run: string | null, keys: Keyring) => unknown) =>
    (payloads: Payload[], context?: SerializationContext): Promise<Payload[]> =>
      Promise.resolve(
        ownerKeys === null
          ? payloads
          : payloads.map((payload) =>
              changed(payload, (value) => change(value, context?.workflowId ?? null, ownerKeys)),
            ),
      );
  return { encode: each(sealed), decode: each(opened) };
}

/** Seals an input, which names its tenant. Without an owner key of that tenant it stays as it is. */
function sealed(value: object, run: string | null, ownerKeys: Keyring): unknown {
  const { tenant = 'local' } = value as { tenant?: unknown };
  const seals = typeof tenant === 'string' && isTenantName(tenant) ? createSeals(ownerKeys, tenant) : null;
  return seals === null ? value : sealInput(value, seals, run);
}

/** Opens the seals of a value. A seal that stands elsewhere than it was made for stays closed, so that a resumed run
 *  takes over no field that somebody else put there. */
function opened(value: object, run: string | null, ownerKeys: Keyring): unknown {
  return mapStrings(value, (text, field) =>
    text.replaceAll(new RegExp(SEALED, 'g'), (seal) => {
      const content = openAnywhere(ownerKeys, seal);
      if (content === null) return seal;
      if (content.field === FAILURE_FIELD) return content.value;
      // An activity's own result lacks the name that stands before it elsewhere.
      const isThere = isSealed(text) && (content.field === field || content.field.endsWith(`.${field}`));
      const isOfRun = run === null || content.run === null || isRunOf(run, content.run);
      return isThere && isOfRun ? content.value : seal;
    }),
  );
}

/** Changes a payload of JSON. Other payloads stay as they are: nothing in them is sealed. */
function changed(payload: Payload, change: (value: object) => unknown): Payload {
  const encoding = payload.metadata?.['encoding'];
  if (!encoding || textOf(encoding) !== 'json/plain' || !payload.data) return payload;
  let value: unknown;
  try {
    value = JSON.parse(textOf(payload.data));
  } catch {
    return payload;
  }
  if (typeof value !== 'object' || value === null) return payload;
  return { ...payload, data: bytesOf(JSON.stringify(change(value))) };
}
