/** Refusing to send readable what the data owner would not show. */
import { ErrorKind, RaptError } from '../contracts/index.ts';
import type { Services } from './services.ts';

/** A server that somebody else runs would read all of a run's configuration. @throws RaptError accessDenied, unless
 *  payloads are encrypted or somebody said that they need not be. */
export function assertEncrypts({
  stack,
  keyring,
  plainPayloads,
  temporal,
}: Pick<Services, 'stack' | 'keyring' | 'plainPayloads' | 'temporal'>): void {
  if (stack === 'local' || keyring !== null || plainPayloads === 'accept') return;
  throw new RaptError(
    ErrorKind.accessDenied,
    'nothing was started: there are no keys to encrypt with, so that whoever runs the Temporal server at ' +
      `${temporal.connection.address} would read the names of files and columns. ` +
      'Make keys (`rapt keys split --tenant NAME --out FOLDER`) and name their file in RAPT_CODEC_KEYS_FILE for ' +
      'every process, or set RAPT_PLAIN_PAYLOADS=accept if he may read them',
  );
}
