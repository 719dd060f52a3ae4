/** How values become payloads, for workers and clients. */
import type { DataConverter } from '@temporalio/common';
import {
  createCodec,
  createOwnerView,
  failureConverterPath,
  type Keyring,
  type PlainPayloads,
} from '../codec/index.ts';

export interface WhoConverts {
  /** To whom all payloads belong, in a process of one tenant; absent in a process that works for several. */
  readonly tenant?: string;
  /** Only the command has them: it seals what only the owner needs, and opens seals for showing. Workers pass seals on
   *  as they are; a client worker opens them with each request. */
  readonly ownerKeys?: Keyring | null;
}

/** The converter of payloads. All workers and clients must use the same one, and the workflow bundle the same failure
 *  converter. */
export function dataConverter(
  keyring: Keyring | null,
  plain?: PlainPayloads,
  { tenant, ownerKeys = null }: WhoConverts = {},
): DataConverter {
  // The first codec encodes first and decodes last.
  return {
    failureConverterPath,
    payloadCodecs: [
      ...(ownerKeys === null ? [] : [createOwnerView(ownerKeys)]),
      createCodec(keyring, plain, tenant ?? null),
    ],
  };
}
