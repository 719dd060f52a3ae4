/** A model hub of a test's own, which answers as Hugging Face's does: small files itself, large ones by a redirect to
 *  another server. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { after } from 'node:test';
import { sha256Of } from '../../system/index.ts';
import type { Certificate } from './certificates.ts';

export interface Asked {
  readonly method: string;
  /** Such as "org/model/main/config.json" on the hub, and "file" where large files lie. */
  readonly what: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

/** What is to be done in place of the right answer. */
export type Instead =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** Sends so many bytes of a body, and closes the connection, or leaves it open for ever. */
  | { readonly cutAfter: number; /** Whether the reader has them. */ readonly arrived: () => boolean }
  | { readonly hangAfter: number }
  | { readonly flipAt: number }
  | { readonly linkedSize: number };

type Decide = (asked: Asked) => Instead | undefined;

export class FakeHub {
  /** What was asked so far, in order. */
  readonly asked: Asked[] = [];
  /** By name, the folder of each state by its commit, and which commit a branch or tag names. */
  readonly models = new Map<
    string,
    { readonly commits: Record<string, string>; readonly revisions: Record<string, string> }
  >();
  decide: Decide = () => undefined;
  readonly #hub: http.Server;
  readonly #store: http.Server;

  private constructor(tls: Certificate | null) {
    const listen = (answer: http.RequestListener): http.Server =>
      tls === null
        ? http.createServer(answer)
        : https.createServer({ cert: readFileSync(tls.cert), key: readFileSync(tls.key) }, answer);
    this.#hub = listen((request, reply) => this.#answer(request, reply));
    this.#store = listen((request, reply) => this.#send(request, reply));
  }

  static async start(tls: Certificate | null = null): Promise<FakeHub> {
    const hub = new FakeHub(tls);
    for (const server of [hub.#hub, hub.#store]) await once(server.listen(0, '127.0.0.1'), 'listening');
    after(() => {
      for (const server of [hub.#hub, hub.#store]) {
        server.close();
        server.closeAllConnections();
      }
    });
    return hub;
  }

  get endpoint(): string {
    return addressOf(this.#hub);
  }

  /** Adds a model with one state, which its main branch names. @returns its commit. */
  add(name: string, folder: string, revision = 'main'): string {
    const commit = createHash('sha1').update(`${name} ${folder}`).digest('hex');
    const model = this.models.get(name) ?? { commits: {}, revisions: {} };
    model.commits[commit] = folder;
    model.revisions[revision] = commit;
    this.models.set(name, model);
    return commit;
  }

  /** Of what was asked, the bodies alone: whatever was fetched. */
  fetched(): string[] {
    return this.asked.filter(({ method }) => method === 'GET').map(({ what }) => what);
  }

  forget(): void {
    this.asked.length = 0;
    this.decide = () => undefined;
  }

  #note(request: http.IncomingMessage, what: string): Instead | undefined {
    const asked: Asked = {
      method: request.method ?? '',
      what,
      authorization: request.headers.authorization,
      range: request.headers.range,
    };
    this.asked.push(asked);
    return this.decide(asked);
  }

  #answer(request: http.IncomingMessage, reply: http.ServerResponse): void {
    const [, name = '', revision = '', file = ''] =
      /^\/(\w[\w.-]*\/[\w.-]+)\/resolve\/([^/]+)\/(.+)$/.exec(new URL(request.url ?? '', 'http://x').pathname) ?? [];
    const instead = this.#note(request, `${name}/${decodeURIComponent(revision)}/${file}`);
    if (instead !== undefined && 'status' in instead)
      return void reply.writeHead(instead.status, instead.headers).end('no');
    const model = this.models.get(name);
    // As the hub does, so that nobody learns of private models.
    if (model === undefined) return void reply.writeHead(401, { 'x-error-code': 'RepoNotFound' }).end('no');
    const commit = model.revisions[decodeURIComponent(revision)] ?? revision;
    const folder = model.commits[commit];
    if (folder === undefined) return void reply.writeHead(404, { 'x-error-code': 'RevisionNotFound' }).end('no');
    const path = join(folder, file);
    if (!existsSync(path))
      return void reply
        .writeHead(404, { 'x-error-code': 'EntryNotFound', 'x-repo-commit': commit })
        .end('Entry not found');
    const content = readFileSync(path);
    if (!file.endsWith('.safetensors')) {
      const etag = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
      return void reply
        .writeHead(200, { etag: `"${etag}"`, 'x-repo-commit': commit, 'content-length': content.length })
        .end(request.method === 'HEAD' ? undefined : content);
    }
    const size = instead !== undefined && 'linkedSize' in instead ? instead.linkedSize : content.length;
    reply.writeHead(302, {
      location: `${addressOf(this.#store)}/${name}/${file}?path=${encodeURIComponent(path)}`,
      'x-linked-etag': `"${sha256Of(content)}"`,
      'x-linked-size': size,
      'x-repo-commit': commit,
      etag: '"of the redirect"',
    });
    reply.end('elsewhere');
  }

  #send(request: http.IncomingMessage, reply: http.ServerResponse): void {
    const url = new URL(request.url ?? '', 'http://x');
    const instead = this.#note(request, url.pathname.slice(1));
    if (instead !== undefined && 'status' in instead)
      return void reply.writeHead(instead.status, instead.headers).end('no');
    const content = readFileSync(url.searchParams.get('path')!);
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const body = Buffer.from(content.subarray(from));
    if (instead !== undefined && 'flipAt' in instead) body[instead.flipAt] = body[instead.flipAt]! ^ 1;
    const headers = { 'content-length': body.length };
    reply.writeHead(
      from > 0 ? 206 : 200,
      from > 0 ? { ...headers, 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` } : headers,
    );
    if (instead !== undefined && 'cutAfter' in instead)
      reply.write(body.subarray(0, instead.cutAfter), () => cutOnce(instead.arrived, request.socket));
    else if (instead !== undefined && 'hangAfter' in instead) reply.write(body.subarray(0, instead.hangAfter));
    else reply.end(body);
  }
}

/** What a reader has not taken when its connection breaks is lost. */
function cutOnce(arrived: () => boolean, socket: Socket): void {
  if (arrived()) socket.destroy();
  else setTimeout(() => cutOnce(arrived, socket), 10);
}

function addressOf(server: http.Server): string {
  return `http${server instanceof https.Server ? 's' : ''}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
