/** Asks a model hub for files: by proxies, with a token, and again when it is busy or a connection breaks. */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { ErrorKind, RaptError, type Sha256 } from '../../contracts/index.ts';
import { explainHub, HubAnswer, isAway, isBroken, isBusy } from './hub-failure.ts';
import type { HubName } from './hub-name.ts';
import { tell } from './download-news.ts';
import { hubEndpoint, hubToken, proxies } from './hub-settings.ts';

/** After this much silence a connection counts as broken. */
const SILENCE_MS = 60_000;
const CONNECT_MS = 15_000;
const MOST_REDIRECTS = 10;
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 30_000;
/** The longest wait that the hub may ask for: more than the window in which it counts requests, five minutes. */
const LONGEST_WISH_MS = 6 * 60_000;
const TRIES_WHEN_BUSY = 8;
const TRIES_WHEN_AWAY = 3;

/** One file of one state of a model, as the hub describes it. */
export interface HubFile {
  readonly path: string;
  /** Null where the hub does not say. */
  readonly sizeBytes: number | null;
  /** What its bytes are checked by: SHA-256 of a large file, git's own digest of a small one, null where a mirror names
   *  neither. */
  readonly digest:
    { readonly kind: 'sha256'; readonly hex: Sha256 } | { readonly kind: 'git'; readonly hex: string } | null;
  /** The state of the model that it belongs to; null where a mirror does not say. */
  readonly commit: string | null;
}

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Dispatcher.ResponseData['body'];
}

export class Hub {
  readonly #endpoint: URL;
  readonly #token: string | null;
  readonly #dispatcher: Promise<Dispatcher>;
  readonly #byProxy: boolean;

  /** Sends nothing yet. @throws BadInput for settings of the environment that cannot be followed. */
  constructor(env: NodeJS.ProcessEnv = process.env) {
    this.#endpoint = hubEndpoint(env);
    this.#token = hubToken(env);
    const { httpProxy, httpsProxy, noProxy } = proxies(env);
    this.#byProxy = (this.#endpoint.protocol === 'https:' ? httpsProxy : httpProxy) !== '';
    this.#dispatcher = import('undici').then(({ EnvHttpProxyAgent }) => {
      const options = {
        httpProxy,
        httpsProxy,
        noProxy,
        proxyTunnel: false,
        bodyTimeout: SILENCE_MS,
        headersTimeout: SILENCE_MS,
        connect: { timeout: CONNECT_MS },
      };
      return new EnvHttpProxyAgent(options);
    });
  }

  get host(): string {
    return this.#endpoint.host;
  }

  async close(): Promise<void> {
    await (await this.#dispatcher).destroy();
  }

  /** What the hub says of a file; null when this state of the model has none of this name. @throws RaptError as
   *  `explainHub`. */
  look(name: HubName, path: string): Promise<HubFile | null> {
    return this.persist(name, async () => {
      const reply = await this.#ask('HEAD', this.#address(name, path));
      await reply.body.dump();
      return isMissingFile(reply) ? null : describe(path, successful(reply).headers);
    });
  }

  /** A small file's text. @throws RaptError as `explainHub`, also when it is missing. */
  text(name: HubName, path: string): Promise<{ readonly text: string; readonly file: HubFile }> {
    return this.persist(name, async () => {
      const reply = await this.#ask('GET', this.#address(name, path));
      const text = await reply.body.text();
      if (reply.status === 404 && reply.headers['x-error-code'] === 'EntryNotFound')
        throw new RaptError(
          ErrorKind.notFound,
          `${this.host} has the model, but no ${path} in its revision "${name.revision}"`,
        );
      return { text, file: describe(path, successful(reply).headers) };
    });
  }

  /** A file's bytes from an offset on, or all of them where the hub does not begin in the middle. The reader may leave
   *  the loop at any time, which ends the answer.
   *  @throws HubAnswer, or what the network threw; the caller, who keeps the bytes that came before, asks again. */
  async read(
    { model, commit, revision }: HubName & { readonly commit: string | null },
    path: string,
    from: number,
  ): Promise<{ readonly from: number; readonly body: AsyncIterable<Buffer> }> {
    const headers = from > 0 ? { range: `bytes=${from}-` } : {};
    const reply = await this.#ask('GET', this.#address({ model, revision: commit ?? revision }, path), headers);
    const { status, headers: answered, body } = reply;
    if (status !== 206) {
      if (status !== 200) await body.dump();
      return { from: 0, body: successful(reply).body };
    }
    const start = Number(/^bytes (\d+)-/.exec(answered['content-range'] ?? '')?.[1] ?? Number.NaN);
    if (start === from) return { from, body };
    await body.dump();
    throw Object.assign(new Error('another part than was asked for'), { code: 'HUB_CUT' });
  }

  /** Repeats a question while the hub is busy or the connection breaks. @param got how many bytes have come so far:
   *  after progress the tries are counted anew. @throws RaptError as `explainHub`. */
  async persist<T>(name: HubName, ask: () => Promise<T>, got: () => number = () => 0): Promise<T> {
    let before = got();
    for (let tried = 1; ; tried++) {
      try {
        return await ask();
      } catch (error) {
        if (got() > before) tried = 1;
        before = got();
        const most = isBusy(error) || isBroken(error) ? TRIES_WHEN_BUSY : isAway(error) ? TRIES_WHEN_AWAY : 1;
        const wish = error instanceof HubAnswer ? error.retryAfterMs : null;
        if (tried >= most || (wish !== null && wish > LONGEST_WISH_MS)) throw this.explain(error, name);
        const delayMs = wish ?? delayOf(tried);
        const what = error instanceof HubAnswer ? `answers ${error.status}` : 'does not answer';
        tell(`${this.host} ${what}; asks again in ${Math.ceil(delayMs / 1000)} s`);
        await sleep(delayMs);
      }
    }
  }

  explain(error: unknown, name: HubName): RaptError {
    return explainHub(error, { ...name, host: this.host, hasToken: this.#token !== null, byProxy: this.#byProxy });
  }

  #address({ model, revision }: HubName, path: string): URL {
    const base = this.#endpoint.href.replace(/\/$/, '');
    return new URL(`${base}/${model}/resolve/${encodeURIComponent(revision)}/${path}`);
  }

  /** Follows redirects, which lead to renamed models and to where large files lie. What the hub itself says of the file
   *  is kept on the way. */
  async #ask(method: 'GET' | 'HEAD', address: URL, extra: Readonly<Record<string, string>> = {}): Promise<Reply> {
    const { request } = await import('undici');
    const dispatcher = await this.#dispatcher;
    let at = address;
    let said: Record<string, string | undefined> = {};
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
      const headers = { 'user-agent': 'rapt', 'accept-encoding': 'identity', ...extra, ...this.#authorization(at) };
      const { statusCode: status, headers: answered, body } = await request(at, { method, headers, dispatcher });
      // A body that is no longer read may break off.
      body.on('error', () => undefined);
      said = { ...plain(answered), ...only(OF_THE_HUB, said) };
      const location = status >= 300 && status < 400 ? said['location'] : undefined;
      const isKnown = said['x-linked-size'] !== undefined && method === 'HEAD';
      if (location === undefined || isKnown)
        return { status: location === undefined ? status : 200, headers: said, body };
      await body.dump();
      at = new URL(location, at);
      said = only(OF_THE_HUB, said);
    }
    throw new HubAnswer(310, '', null);
  }

  /** The token is for the hub alone, and never in the clear. */
  #authorization({ origin, protocol, hostname }: URL): Record<string, string> {
    const isSafe =
      protocol === 'https:' || hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
    return this.#token !== null && origin === this.#endpoint.origin && isSafe
      ? { authorization: `Bearer ${this.#token}` }
      : {};
  }
}

/** What the hub says of a file before it sends elsewhere for it. */
const OF_THE_HUB = ['x-repo-commit', 'x-linked-etag', 'x-linked-size', 'x-error-code'] as const;

function plain(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), Array.isArray(value) ? value[0] : value]),
  );
}

const only = (
  names: readonly string[],
  from: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> =>
  Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])));

/** A mirror may not say what is missing. Then it is the file, since the model is known to be there by then. */
const isMissingFile = ({ status, headers }: Reply): boolean =>
  status === 404 && (headers['x-error-code'] ?? 'EntryNotFound') === 'EntryNotFound';

function successful(reply: Reply): Reply {
  const { status, headers } = reply;
  if (status >= 200 && status < 300) return reply;
  throw new HubAnswer(status, headers['x-error-code'] ?? '', wishOf(headers['retry-after']));
}

/** Milliseconds of a retry-after header, which holds seconds or a date; null without one that can be read. */
function wishOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}

/** Doubles with each try, and differs from process to process, so that they do not ask again all at once. */
const delayOf = (tried: number): number =>
  Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (tried - 1)) * (1 + randomInt(1000) / 4000);

function describe(path: string, headers: Reply['headers']): HubFile {
  const tag = (headers['x-linked-etag'] ?? headers['etag'] ?? '').replace(/^W\//, '').replaceAll('"', '');
  const size =
    headers['x-linked-size'] ?? (headers['content-encoding'] === undefined ? headers['content-length'] : undefined);
  return {
    path,
    sizeBytes: size === undefined ? null : Number(size),
    digest: /^[0-9a-f]{64}$/.test(tag)
      ? { kind: 'sha256', hex: tag as Sha256 }
      : /^[0-9a-f]{40}$/.test(tag)
        ? { kind: 'git', hex: tag }
        : null,
    commit: headers['x-repo-commit'] ?? null,
  };
}
