/** From where an issuer reads its grants, and where the processes of the local stack keep their tokens. */
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BadInput, ErrorKind, RaptError } from '../contracts/index.ts';
import {
  formatGrant,
  grantFor,
  grantId,
  newToken,
  parseGrants,
  roleName,
  type Grant,
  type Role,
} from '../storage/index.ts';
import { makeFolder, setting } from '../system/index.ts';
import { readSecretFile, writeSecretOnce } from './secrets.ts';
import { stackFolder } from './stack-record.ts';

const stackGrantsFile = (): string => join(stackFolder(), 'grants');

/** The file that holds the grants: the one that the environment names, else that of the local stack. */
export const grantsFile = (env: NodeJS.ProcessEnv = process.env): string =>
  setting('RAPT_S3_GRANTS_FILE', env) ?? stackGrantsFile();

/** The grants of a file; none when there is no such file. @throws BadInput when it cannot be read, or a line is
 *  wrong. */
export const readGrants = (path: string): Grant[] => (existsSync(path) ? grantsIn(path) : []);

/** The grants of a file that must exist, as an issuer reads it. An issuer must not refuse everybody because its file is
 *  missing: where nothing is granted, the file is empty. @throws BadInput as `readGrants`, and when there is no such
 *  file. */
export function grantsIn(path: string): Grant[] {
  const problem = 'does not exist, so that no token is known; `rapt credentials grant` makes it';
  if (!existsSync(path)) throw new BadInput([{ where: path, problem }]);
  return parseGrants(readSecretFile(path, 'grants'), path);
}

/** Grants a role to a new token. @param keep stores the token, before it is worth anything; nobody else does. */
export function grantNew(path: string, role: Role, keep: (token: string) => void): Grant {
  const token = newToken();
  keep(token);
  return grantTo(path, role, token);
}

/** Takes a grant back. Keys that were issued for it stay good until they end. @throws RaptError notFound when the file
 *  holds no grant with this id. */
export function revoke(path: string, id: string): Grant {
  const grant = readGrants(path).find((candidate) => grantId(candidate) === id);
  if (grant === undefined)
    throw new RaptError(ErrorKind.notFound, `${path} holds no grant ${id}; \`rapt credentials list\` shows them`);
  const others = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => !line.trimStart().startsWith(grant.sha256));
  writeFileSync(`${path}.part`, others.join('\n'), { mode: 0o600 });
  renameSync(`${path}.part`, path);
  return grant;
}

/** Writes a token to a new file that only its owner can read. @throws BadInput when the file exists. */
export function writeTokenFile(path: string, token: string): void {
  if (writeSecretOnce(path, token)) return;
  throw new BadInput([{ where: path, problem: 'exists; a token is written to a file of its own' }]);
}

export const stackTokenFile = (role: Role): string => join(stackFolder(), 'tokens', roleName(role).replace(' ', '-'));

/** The token of a role on the local stack, made when it is first asked for. */
export function stackToken(role: Role): string {
  const path = stackTokenFile(role);
  if (!existsSync(path)) writeSecretOnce(path, newToken());
  const token = readSecretFile(path, path);
  const { sha256 } = grantFor(token, role);
  if (!readGrants(stackGrantsFile()).some((grant) => grant.sha256 === sha256)) grantTo(stackGrantsFile(), role, token);
  return token;
}

/** Adds a line by a single write, so that two processes can add one at the same time. */
function grantTo(path: string, role: Role, token: string): Grant {
  const grant = grantFor(token, role);
  makeFolder(dirname(path), 0o700);
  appendFileSync(path, formatGrant(grant, new Date().toISOString().slice(0, 10)), { mode: 0o600 });
  return grant;
}
