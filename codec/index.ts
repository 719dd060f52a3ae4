/** What of a run Temporal's server gets to see: payloads and failures encrypted with keys that it does not have. */
import { fileURLToPath } from 'node:url';

export { createCodec, type PlainPayloads } from './codec.ts';
export { startCodecServer, type CodecServerOptions } from './server.ts';
export { formatKeyring, newKey, parseKeyring, withCurrent, withKey, type CodecKey, type Keyring } from './keyring.ts';

export const failureConverterPath = fileURLToPath(new URL('failure-converter.cjs', import.meta.url));
