/** Refuses to start a run that would show the data owner's configuration to a server of somebody else. */
import { ErrorKind, RaptError } from '../contracts/index.ts';
import type { Services } from './services.ts';

/** Whoever runs a Temporal server can read all payloads that are not encrypted. @throws RaptError accessDenied when the
 *  server is not the local stack's and payloads are not encrypted, unless RAPT_PLAIN_PAYLOADS accepts that. */
export function assertEncrypts({
  stack,
  keyring,
  plainPayloads,
  temporal,
}: Pick<Services, 'stack' | 'keyring' | 'plainPayloads' | 'temporal'>): void {
  if (stack === 'local' || keyring !== null || plainPayloads === 'accept') return;
  throw new RaptError(
    ErrorKind.accessDenied,
    'nothing was started: there are no keys to encrypt with, ' +
      `so that whoever runs the Temporal server at ${temporal.connection.address} ` +
      'would read the names of files and columns. ' +
      'Make keys (`rapt keys split --tenant NAME --out FOLDER`) ' +
      'and name their file in RAPT_CODEC_KEYS_FILE for every process, ' +
      'or set RAPT_PLAIN_PAYLOADS=accept if they may read them',
  );
}
