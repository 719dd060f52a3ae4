import type { DataConverter } from '@temporalio/common';
import {
  createCodec,
  createOwnerView,
  failureConverterPath,
  type Keyring,
  type PlainPayloads,
} from '../codec/index.ts';

export interface WhoConverts {
  /** Whose all payloads are, for a process of one tenant; absent for those that work for several. */
  readonly tenant?: string;
  /** Of the command: it sends sealed what only its owner needs, and shows it opened. Workers pass seals on as they are;
   *  a client worker opens them with each request. */
  readonly ownerKeys?: Keyring | null;
}

/** How values become payloads. Workers and clients must all use the same, and the workflow bundle the same failure
 *  converter. */
export function dataConverter(
  keyring: Keyring | null,
  plain?: PlainPayloads,
  { tenant, ownerKeys = null }: WhoConverts = {},
): DataConverter {
  // The first one encodes first, and decodes last.
  return {
    failureConverterPath,
    payloadCodecs: [
      ...(ownerKeys === null ? [] : [createOwnerView(ownerKeys)]),
      createCodec(keyring, plain, tenant ?? null),
    ],
  };
}
