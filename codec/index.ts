/** Who gets to see what of a run. Temporal's server sees payloads and failures that are encrypted with keys it does not
 *  have. The provider, who has keys, sees all but what is sealed with the owner's keys. */
import { fileURLToPath } from 'node:url';

export { createCodec, type PlainPayloads } from './codec.ts';
export { startCodecServer, type CodecServerOptions } from './codec-server.ts';
export {
  formatKeyring,
  keyFor,
  merged,
  nameOf,
  newKey,
  parseKeyring,
  parseOwnerKeys,
  tenantsOf,
  withCurrent,
  withKey,
  type CodecKey,
  type Keyring,
} from './keyring.ts';
export { createOwnerView } from './owner-view.ts';
export { createSeals } from './seals.ts';

/** Path of the module by which Temporal converts failures, for workers, clients and the workflow bundle. */
export const failureConverterPath = fileURLToPath(new URL('failure-converter.cjs', import.meta.url));
