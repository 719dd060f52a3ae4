/** What the environment says of the model hub, in the variables that Hugging Face's own programs read too. */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { BadInput } from '../../contracts/index.ts';
import { setting } from '../../system/index.ts';

const DEFAULT_ENDPOINT = 'https://huggingface.co';

/** The hub's address, without a slash at its end. @throws BadInput when HF_ENDPOINT is no address. */
export function hubEndpoint(env: NodeJS.ProcessEnv = process.env): URL {
  const text = setting('HF_ENDPOINT', env) ?? DEFAULT_ENDPOINT;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new BadInput([{ where: 'HF_ENDPOINT', problem: `must be an address such as ${DEFAULT_ENDPOINT}` }]);
  url.pathname = url.pathname.replace(/\/+$/, '');
  return url;
}

export const isOffline = (env: NodeJS.ProcessEnv = process.env): boolean =>
  ['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'].some((name) => /^(1|on|yes|true)$/i.test(setting(name, env) ?? ''));

const hubHome = (env: NodeJS.ProcessEnv): string =>
  setting('HF_HOME', env) ?? join(setting('XDG_CACHE_HOME', env) ?? join(homedir(), '.cache'), 'huggingface');

/** Where Hugging Face's programs keep what they have fetched. */
export const hubCache = (env: NodeJS.ProcessEnv = process.env): string =>
  setting('HF_HUB_CACHE', env) ?? join(hubHome(env), 'hub');

/** The user's token, a secret that goes into no message; null without one. */
export function hubToken(env: NodeJS.ProcessEnv = process.env): string | null {
  const given = setting('HF_TOKEN', env);
  const file = setting('HF_TOKEN_PATH', env) ?? join(hubHome(env), 'token');
  const token = (given ?? (existsSync(file) ? readFileSync(file, 'utf8') : '')).trim();
  if (token === '') return null;
  // The library that sends it would quote it in an error.
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new BadInput([
      {
        where: given === undefined ? file : 'HF_TOKEN',
        problem: 'holds blanks, line breaks or other characters that no token has',
      },
    ]);
  return token;
}

export interface Proxies {
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
}

/** Addresses of the proxies; empty where there is none. An address may hold a password: it goes into no message. */
export function proxies(env: NodeJS.ProcessEnv = process.env): Proxies {
  const read = (name: string): string => setting(name.toLowerCase(), env) ?? setting(name, env) ?? '';
  const address = (name: string): string => {
    const text = read(name);
    if (text === '') return '';
    const url = /^\w+:\/\//.test(text) ? text : `http://${text}`;
    if (!URL.canParse(url))
      throw new BadInput([{ where: name, problem: 'must be an address such as http://proxy.example.org:3128' }]);
    return url;
  };
  const httpProxy = address('HTTP_PROXY');
  return { httpProxy, httpsProxy: address('HTTPS_PROXY') || httpProxy, noProxy: read('NO_PROXY') };
}
