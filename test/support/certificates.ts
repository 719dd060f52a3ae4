/** Certificates as an organisation would make for itself, by openssl. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
  /** Files in PEM. */
  readonly cert: string;
  readonly key: string;
}

export interface Authority extends Certificate {
  /** A certificate that this authority vouches for, good for 127.0.0.1 and localhost. */
  issue(name: string): Certificate;
}

/** @param folder where the files go. */
export function createAuthority(folder: string, authority = 'authority'): Authority {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' });
  const files = (name: string): Certificate => ({
    cert: join(folder, `${name}.pem`),
    key: join(folder, `${name}.key`),
  });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const own = files(authority);
  openssl('req', '-x509', ...newKey, '-keyout', own.key, '-out', own.cert, '-days', '2', '-subj', `/CN=${authority}`);
  return {
    ...own,
    issue(name) {
      const issued = files(name);
      const [request, extensions] = [join(folder, `${name}.csr`), join(folder, `${name}.ext`)];
      writeFileSync(extensions, 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
      openssl('req', ...newKey, '-keyout', issued.key, '-out', request, '-subj', `/CN=${name}`);
      openssl(
        'x509',
        '-req',
        '-in',
        request,
        '-CA',
        own.cert,
        '-CAkey',
        own.key,
        '-CAcreateserial',
        '-out',
        issued.cert,
        '-days',
        '2',
        '-extfile',
        extensions,
      );
      return issued;
    },
  };
}
