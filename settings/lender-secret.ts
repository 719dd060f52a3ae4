/** The random secret from which an issuer's lender follows, in a file of the issuer's own. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BadInput } from '../contracts/index.ts';
import { newToken } from '../storage/index.ts';
import { setting } from '../system/index.ts';
import { readSecretFile, writeSecretOnce } from './secrets.ts';
import { stackFolder } from './stack-record.ts';

const VARIABLE = 'RAPT_S3_LENDER_FILE';

/** The file of the secret: the one that the environment names, else that of the local stack. */
export const lenderFile = (env: NodeJS.ProcessEnv = process.env): string =>
  setting(VARIABLE, env) ?? join(stackFolder(), 'lender');

/** The secret, 256 random bits. It is made when it is first asked for; issuers that share the file have the same one.
 *  @throws BadInput when the file cannot be used. */
export function lenderSecret(path: string): string {
  // A folder of secrets may be mounted for reading only.
  if (!existsSync(path)) writeSecretOnce(path, newToken());
  return known(path);
}

/** The secret; null when there is none yet. @throws BadInput as `lenderSecret`. */
export const knownLenderSecret = (path: string): string | null => (existsSync(path) ? known(path) : null);

function known(path: string): string {
  const secret = readSecretFile(path, VARIABLE);
  // A full disk or an editor may have left only a part of it, which could be guessed.
  if (/^[\w-]{43}$/.test(secret)) return secret;
  const wayOut = 'remove it, and the next start makes another';
  const problem = `${path} does not hold the 43 characters that Rapt wrote there; ${wayOut}`;
  throw new BadInput([{ where: VARIABLE, problem }]);
}
