import type { DataConverter } from '@temporalio/common';
import { createCodec, failureConverterPath, type Keyring, type PlainPayloads } from '../codec/index.ts';

/** How values become payloads. Workers and clients must all use the same, and the workflow bundle the same failure converter. */
export function dataConverter(keyring: Keyring | null, plain?: PlainPayloads): DataConverter {
  return { failureConverterPath, payloadCodecs: [createCodec(keyring, plain)] };
}
