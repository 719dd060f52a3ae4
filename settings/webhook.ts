/** The webhook that a client worker tells of the states of its runs. */
import { BadInput } from '../contracts/index.ts';
import { secret } from './secrets.ts';

export interface NamedWebhook {
  readonly url: string;
  readonly secrets: readonly Buffer[];
}

const PREFIX = 'whsec_';
/** Bounds of the Standard Webhooks specification. */
const LEAST_SECRET_BYTES = 24;
const MOST_SECRET_BYTES = 64;

/** The webhook that the environment names; null when it names none. An address may hold a token, so it may come from a
 *  file as well. @throws BadInput, which quotes neither address nor secret. */
export function resolveWebhook(env: NodeJS.ProcessEnv = process.env): NamedWebhook | null {
  const url = secret('RAPT_WEBHOOK_URL', env);
  const lines = secret('RAPT_WEBHOOK_SECRET', env);
  if (url === null && lines === null) return null;
  if (url === null)
    throw new BadInput([
      { where: 'RAPT_WEBHOOK_URL', problem: 'is needed with RAPT_WEBHOOK_SECRET; it says whom to tell' },
    ]);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new BadInput([
      { where: 'RAPT_WEBHOOK_URL', problem: 'must be an address that begins with https:// or http://' },
    ]);
  if (new URL(url).username !== '')
    throw new BadInput([{ where: 'RAPT_WEBHOOK_URL', problem: 'must hold no user name; messages are signed' }]);
  if (lines === null)
    throw new BadInput([
      {
        where: 'RAPT_WEBHOOK_SECRET_FILE',
        problem: 'is needed with RAPT_WEBHOOK_URL; make one by: echo "whsec_$(openssl rand -base64 32)" > FILE',
      },
    ]);
  return {
    url,
    secrets: lines
      .split(/\s+/)
      .filter((line) => line !== '')
      .map(parseSecret),
  };
}

function parseSecret(text: string): Buffer {
  const bytes = Buffer.from(text.slice(PREFIX.length), 'base64');
  if (!text.startsWith(PREFIX) || bytes.length < LEAST_SECRET_BYTES || bytes.length > MOST_SECRET_BYTES)
    throw new BadInput([
      {
        where: 'RAPT_WEBHOOK_SECRET',
        problem: `each line must be ${PREFIX} and ${LEAST_SECRET_BYTES} to ${MOST_SECRET_BYTES} bytes in base64`,
      },
    ]);
  return bytes;
}
