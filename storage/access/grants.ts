/** Who gets the keys of which role: whoever shows its token. The issuer keeps only the digests of tokens. */
import { randomBytes } from 'node:crypto';
import { BadInput, type InputProblem, type Sha256 } from '../../contracts/index.ts';
import { isSameSecret, sha256Of } from '../../system/index.ts';
import { parseRole, roleName, type Role } from './role-rights.ts';

export interface Grant {
  /** Digest of the token. A token is 256 random bits, so that nobody finds it from its digest. */
  readonly sha256: Sha256;
  readonly role: Role;
}

const TOKEN_BYTES = 32;
const ID_DIGITS = 12;

export const newToken = (): string => randomBytes(TOKEN_BYTES).toString('base64url');
export const grantFor = (token: string, role: Role): Grant => ({ sha256: sha256Of(token), role });
/** The name of a grant in commands and messages. */
export const grantId = ({ sha256 }: Grant): string => sha256.slice(0, ID_DIGITS);

/** One line: the digest, the role, and a remark. */
export const formatGrant = (grant: Grant, remark: string): string =>
  `${grant.sha256} ${roleName(grant.role)} # ${remark}\n`;

/** Reads lines as `formatGrant` writes them; what follows a "#" is a remark. @throws BadInput with everything that is
 *  wrong. */
export function parseGrants(text: string, where: string): Grant[] {
  const problems: InputProblem[] = [];
  const grants: Grant[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const content = line.replace(/#.*$/, '').trim();
    if (content === '') continue;
    const [, sha256, name = ''] = /^([0-9a-f]{64}) (.+)$/.exec(content) ?? [];
    const role = parseRole(name);
    if (sha256 === undefined || role === null)
      problems.push({
        where: `${where}, line ${index + 1}`,
        problem:
          'must be the SHA-256 of a token and a role (client TENANT, gpu or operator); ' +
          '`rapt credentials grant` writes such lines',
      });
    else grants.push({ sha256: sha256 as Sha256, role });
  }
  if (problems.length > 0) throw new BadInput(problems);
  return grants;
}

/** The grant of this token; null when there is none. All grants are compared, so that the time tells nothing of which
 *  one fits. */
export function findGrant(grants: readonly Grant[], token: string): Grant | null {
  const digest = sha256Of(token);
  return grants.filter(({ sha256 }) => isSameSecret(sha256, digest))[0] ?? null;
}
