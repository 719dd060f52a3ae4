/** credential-server: short-lived keys for the object store, for whoever holds a granted token. */
import { once } from 'node:events';
import { InvalidArgumentError, type Command } from 'commander';
import { grantsFile, grantsIn, lenderFile, lenderSecret, resolveAdministration } from '../../settings/index.ts';
import {
  createIssuer,
  createMinioStore,
  CREDENTIALS_PATH,
  ensureLender,
  startCredentialServer,
  type Lending,
} from '../../storage/index.ts';
import { addListenOptions, listeningOf, type ListenOptions } from '../options/listening.ts';
import { print, say } from '../terminal/output.ts';

interface CredentialServerOptions extends ListenOptions {
  readonly grants?: string;
  readonly minutes: number;
}

/** MinIO's least. A week is the most that it issues. */
const LEAST_MINUTES = 15;
const MOST_MINUTES = 7 * 24 * 60;

const DESCRIPTION =
  'give each worker short-lived keys for the object store that may do what its role needs; run it on the ' +
  "provider's side";
const HELP = `
It has the keys that may do everything, from RAPT_S3_ACCESS_KEY_FILE and RAPT_S3_SECRET_KEY_FILE, else those of the
local stack; nobody else needs them.
Issuers for one bucket share the file that RAPT_S3_LENDER_FILE names.
Tokens come from \`rapt credentials grant\`. It speaks the protocol of AWS's container credentials.
Example: rapt credential-server --listen 127.0.0.1:8235 --minutes 30`;

export function addTo(program: Command): void {
  addListenOptions(program.command('credential-server'), '127.0.0.1:8235')
    .description(DESCRIPTION)
    .option('--grants <file>', 'file of the grants; default: RAPT_S3_GRANTS_FILE, else that of the local stack')
    .option('--minutes <n>', 'how long issued keys hold', minutesOf, 60)
    .addHelpText('after', HELP)
    .action(serve);
}

async function serve({ grants: file = grantsFile(), minutes, ...options }: CredentialServerOptions): Promise<void> {
  (await import('../../workers/last-words.ts')).endOnUnheardErrors();
  const administration = resolveAdministration();
  const { endpoint, bucket, region } = administration;
  // Those who ask may not make it.
  await createMinioStore(administration).ensureBucket();
  const lending = await ensureLender(administration, lenderSecret(lenderFile()));
  sayWhoLends(lending);
  const keys = lending?.keys ?? administration;
  const issue = createIssuer({ endpoint, bucket, region, keys, durationSeconds: minutes * 60 });
  const server = await startCredentialServer({ ...listeningOf(options), issue, grants: () => grantsIn(file), say });
  print(`credential server ready: ${server.url}${CREDENTIALS_PATH}`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await server.close();
}

function sayWhoLends(lending: Lending | null): void {
  if (lending === null) {
    const wayOut = 'see docs/operations.md for what their policy must deny';
    say(`no user of its own can be made with these keys, so that keys are lent in their name: ${wayOut}`);
    return;
  }
  for (const name of lending.ended) say(`removed ${name}, in whose name keys were lent before: what it lent has ended`);
  for (const name of lending.ofOthers) {
    const wayOut = `where there is none any more, \`rapt credentials lenders --remove ${name}\` ends what it lent`;
    say(`another issuer lends keys to this bucket as ${name}; ${wayOut}`);
  }
}

function minutesOf(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < LEAST_MINUTES || count > MOST_MINUTES)
    throw new InvalidArgumentError(`It must be a whole number from ${LEAST_MINUTES} to ${MOST_MINUTES}.`);
  return count;
}
