/** codec-server: shows payloads decrypted to Temporal's UI and command, which do not have the keys. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { createCodec, startCodecServer } from '../../codec/index.ts';
import { BadInput, ErrorKind, RaptError } from '../../contracts/index.ts';
import { namedTemporal, readStack, resolveKeyring, secret } from '../../infra/index.ts';
import { print } from '../output.ts';

interface CodecServerCommandOptions {
  listen: string;
  origin?: string;
  publicHost?: string;
  cert?: string;
  key?: string;
}

export function addCodecServerCommand(program: Command): void {
  program
    .command('codec-server')
    .description("decrypt payloads for Temporal's UI and command, and encrypt what they send")
    .option('--listen <host:port>', 'address to listen on', '127.0.0.1:8234')
    .option('--origin <url>', "the one origin whose pages may ask; default: the local stack's Temporal UI")
    .option('--public-host <host:port>', 'host under which callers know it, where that is not the address it listens on')
    .option('--cert <file>', 'certificate for TLS, in PEM')
    .option('--key <file>', 'its private key, in PEM')
    .addHelpText('after', '\nKeys come from RAPT_CODEC_KEYS_FILE or the local stack; a token that callers must send, from RAPT_CODEC_TOKEN_FILE.\nExample: rapt codec-server, then `temporal workflow show -w ID --codec-endpoint http://127.0.0.1:8234`')
    .action(async (options: CodecServerCommandOptions) => {
      const keyring = resolveKeyring(namedTemporal() === undefined);
      if (keyring === null) throw new RaptError(ErrorKind.notFound, 'there are no keys to decrypt with; name them in RAPT_CODEC_KEYS_FILE, or see `rapt keys`');
      const server = await startCodecServer({
        codec: createCodec(keyring),
        listen: addressOf(options.listen),
        origin: originOf(options.origin ?? readStack()?.temporal.uiUrl),
        publicHost: options.publicHost ?? null,
        token: secret('RAPT_CODEC_TOKEN'),
        tls: tlsOf(options),
      });
      print(`codec server ready: ${server.url}`);
      await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
      await server.close();
    });
}

function addressOf(text: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(text) ?? [];
  if (host === '' || Number(port) > 65_535) throw new BadInput([{ where: `--listen ${text}`, problem: 'must have the form host:port, such as 127.0.0.1:8234' }]);
  return { host, port: Number(port) };
}

/** Browsers send scheme, host and port, and no path. */
function originOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) throw new BadInput([{ where: `--origin ${text}`, problem: 'must be an address such as http://127.0.0.1:8233' }]);
  return new URL(text).origin;
}

function tlsOf({ cert, key }: CodecServerCommandOptions): { cert: Buffer; key: Buffer } | null {
  if (cert === undefined && key === undefined) return null;
  if (cert === undefined || key === undefined) throw new BadInput([{ where: cert === undefined ? '--cert' : '--key', problem: 'is needed: TLS takes a certificate and its key' }]);
  const read = (option: string, path: string): Buffer => {
    try {
      return readFileSync(path);
    } catch {
      throw new BadInput([{ where: `${option} ${path}`, problem: 'cannot be read' }]);
    }
  };
  return { cert: read('--cert', cert), key: read('--key', key) };
}
