/** Options of the commands that listen. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { BadInput } from '../../contracts/index.ts';
import type { Listening } from '../../system/index.ts';

export interface ListenOptions {
  readonly listen: string;
  readonly publicHost?: string;
  readonly cert?: string;
  readonly key?: string;
}

export function addListenOptions(command: Command, address: string): Command {
  return command
    .option('--listen <host:port>', 'address to listen on', address)
    .option(
      '--public-host <host:port>',
      'host under which callers know it, where that is not the address it listens on',
    )
    .option('--cert <file>', 'certificate for TLS, in PEM')
    .option('--key <file>', 'its private key, in PEM');
}

/** @throws BadInput for an address without a port, a certificate without its key, a file that cannot be read. */
export function listeningOf({ listen, publicHost, cert, key }: ListenOptions): Listening {
  return { listen: addressOf(listen), publicHost: publicHost ?? null, tls: tlsOf(cert, key) };
}

function addressOf(text: string): Listening['listen'] {
  const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(text) ?? [];
  if (host === '' || Number(port) > 65_535)
    throw new BadInput([
      { where: `--listen ${text}`, problem: 'must have the form host:port, such as 127.0.0.1:8234' },
    ]);
  return { host, port: Number(port) };
}

function tlsOf(cert: string | undefined, key: string | undefined): Listening['tls'] {
  if (cert === undefined && key === undefined) return null;
  if (cert === undefined || key === undefined)
    throw new BadInput([
      { where: cert === undefined ? '--cert' : '--key', problem: 'is needed: TLS takes a certificate and its key' },
    ]);
  const read = (option: string, path: string): Buffer => {
    try {
      return readFileSync(path);
    } catch {
      throw new BadInput([{ where: `${option} ${path}`, problem: 'cannot be read' }]);
    }
  };
  return { cert: read('--cert', cert), key: read('--key', key) };
}
