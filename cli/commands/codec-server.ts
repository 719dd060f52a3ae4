/** codec-server: shows payloads decrypted to Temporal's UI and command, which do not have the keys. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { clientHome, reportFile } from '../../rapt/home.ts';
import type { PayloadCodec } from '@temporalio/common';
import { createCodec, createOwnerView, startCodecServer } from '../../codec/index.ts';
import { BadInput, ErrorKind, isTenantName, RaptError } from '../../contracts/index.ts';
import { namedTemporal, readStack, resolveKeyring, resolveOwnerKeys, secret } from '../../settings/index.ts';
import { setting } from '../../system/index.ts';
import { addListenOptions, listeningOf, type ListenOptions } from '../options/listening.ts';
import { print } from '../terminal/output.ts';

interface CodecServerOptions extends ListenOptions {
  readonly origin?: string;
}

const ORIGIN = "the one origin whose pages may ask; default: RAPT_TEMPORAL_UI, or the local stack's Temporal UI";
const HELP =
  '\nKeys come from RAPT_CODEC_KEYS_FILE and RAPT_OWNER_KEYS_FILE or the local stack; ' +
  'a token that callers must send, from RAPT_CODEC_TOKEN_FILE.\n' +
  'Example: rapt codec-server, then `temporal workflow show -w ID --codec-endpoint http://127.0.0.1:8234`';

export function addTo(program: Command): void {
  addListenOptions(program.command('codec-server'), '127.0.0.1:8234')
    .description("decrypt payloads for Temporal's UI and command, and encrypt what they send")
    .option('--origin <url>', ORIGIN)
    .addHelpText('after', HELP)
    .action(serve);
}

async function serve({ origin, ...options }: CodecServerOptions): Promise<void> {
  (await import('../../workers/last-words.ts')).endOnUnheardErrors();
  const keyring = resolveKeyring(namedTemporal() === null);
  if (keyring === null)
    throw new RaptError(
      ErrorKind.notFound,
      'there are no keys to decrypt with; name them in RAPT_CODEC_KEYS_FILE, or see `rapt keys`',
    );
  const asking = originOf(origin ?? setting('RAPT_TEMPORAL_UI') ?? readStack()?.temporal.uiUrl);
  const server = await startCodecServer({
    ...listeningOf(options),
    codec: inTurn(createOwnerView(resolveOwnerKeys(namedTemporal() === null)), createCodec(keyring)),
    origin: asking,
    token: secret('RAPT_CODEC_TOKEN'),
    report: reportOf,
  });
  const pages = asking === null ? 'no page: --origin names the one of a Temporal UI' : `pages of ${asking}`;
  print(`codec server ready: ${server.url}, for ${pages}`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await server.close();
}

/** What is sealed is encrypted after it, and opened after it was decrypted. */
const inTurn = (inner: PayloadCodec, outer: PayloadCodec): PayloadCodec => ({
  encode: async (payloads) => outer.encode(await inner.encode(payloads)),
  decode: async (payloads) => inner.decode(await outer.decode(payloads)),
});

async function reportOf(tenant: string, run: string): Promise<string | null> {
  const path = isTenantName(tenant) ? reportFile(clientHome(), tenant, run) : null;
  return path !== null && existsSync(path) ? readFile(path, 'utf8') : null;
}

/** Browsers send scheme, host and port, and no path. */
function originOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new BadInput([{ where: `--origin ${text}`, problem: 'must be an address such as http://127.0.0.1:8233' }]);
  return new URL(text).origin;
}
