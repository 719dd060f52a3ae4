/** What of a run Temporal's server gets to see: payloads and failures encrypted with keys that it does not have. What
 *  of it the provider gets to see, who has keys: all but what is sealed with those of the owner. */
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

export const failureConverterPath = fileURLToPath(new URL('failure-converter.cjs', import.meta.url));
