/** The codec as a server. It speaks Temporal's remote data encoding, by which Temporal's UI and command show payloads
 *  in the clear and send encrypted ones. It also shows the reports to which the UI links: no server of the provider may
 *  read those. */
import type { IncomingMessage } from 'node:http';
import type { PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { RaptError } from '../contracts/index.ts';
import { isSameSecret, startGuardedServer, type Answer, type Listening, type RunningServer } from '../system/index.ts';

const { Payloads } = proto.temporal.api.common.v1;

/** What a server needs before other machines may reach it, in words that follow "it needs". */
const NEEDS_TO_BE_REACHED =
  'a token (RAPT_CODEC_TOKEN_FILE) and the host name that callers use (--public-host), ' +
  'and TLS here (--cert, --key) or before it';

export interface CodecServerOptions extends Listening {
  readonly codec: PayloadCodec;
  /** The one origin whose pages may ask: that of the Temporal UI. Null when no page may. */
  readonly origin: string | null;
  /** Callers send it with every request, as "Authorization: Bearer". Null when they need no token. */
  readonly token: string | null;
  /** The page about a finished run; null when there is none here. It is shown only where no token is needed, that is on
   *  this machine: a browser that follows a link sends none. */
  readonly report?: (tenant: string, run: string) => Promise<string | null>;
}

/** A page of a history; Temporal refuses a single payload of more than 2 MiB. */
const MOST_BODY_BYTES = 16 << 20;
/** What Temporal's UI sends. */
const FROM_PAGES = {
  'Access-Control-Allow-Methods': 'POST',
  'Access-Control-Allow-Headers': 'Content-Type, X-Namespace, Authorization, Authorization-Extras',
  'Access-Control-Max-Age': '600',
};

/** A report loads nothing from elsewhere, and no other page may frame it. */
const REPORT_HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
};

/** @throws BadInput for a server that others could reach and that would answer anybody, or in the clear. */
export function startCodecServer({
  codec,
  origin,
  token,
  report,
  ...listening
}: CodecServerOptions): Promise<RunningServer> {
  return startGuardedServer({
    ...listening,
    name: 'codec server',
    pages: origin === null ? null : { origin, allow: FROM_PAGES },
    toOthers: { allowed: token !== null, needs: NEEDS_TO_BE_REACHED },
    answer: async (path, request) =>
      (token === null ? await reportPage(path, request, report) : null) ?? answer(path, request, codec, token),
  });
}

async function reportPage(
  path: string,
  { method }: IncomingMessage,
  report: CodecServerOptions['report'],
): Promise<Answer | null> {
  const [, tenant, run] = /^\/report\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  if (report === undefined || method !== 'GET' || tenant === undefined || run === undefined) return null;
  const page = await report(tenant, unescaped(run));
  return page === null ? null : { status: 200, body: page, headers: REPORT_HEADERS };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function answer(
  path: string,
  request: IncomingMessage,
  codec: PayloadCodec,
  token: string | null,
): Promise<Answer> {
  const say = (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer => ({
    status,
    body,
    headers,
  });
  if (path !== '/decode' && path !== '/encode')
    return say(404, 'there are /decode, /encode, /health, and reports of finished runs');
  if (request.method !== 'POST') return say(405, `${path} takes POST`, { Allow: 'POST' });
  if (token !== null && !isSameSecret(request.headers.authorization ?? '', `Bearer ${token}`))
    return say(401, 'a token is needed: "Authorization: Bearer TOKEN"', { 'WWW-Authenticate': 'Bearer' });
  const body = await readBody(request);
  if (body === null) return say(413, `more than ${MOST_BODY_BYTES} bytes`, { Connection: 'close' });
  const payloads = parsePayloads(body);
  if (payloads === null) return say(400, 'must be {"payloads": [...]}, as Temporal writes payloads in JSON');
  try {
    const converted = Payloads.fromObject({
      payloads: path === '/decode' ? await codec.decode(payloads) : await codec.encode(payloads),
    });
    return say(200, JSON.stringify(Payloads.toObject(converted, { bytes: String, longs: String, arrays: true })), {
      'Content-Type': 'application/json',
    });
  } catch (error) {
    if (!(error instanceof RaptError)) throw error;
    return say(400, error.message);
  }
}

/** Null when it is too large. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  // The request stays open although the rest of it is not read: the refusal must still reach the caller.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > MOST_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parsePayloads(body: Buffer): proto.temporal.api.common.v1.IPayload[] | null {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    if (typeof parsed !== 'object' || parsed === null || !('payloads' in parsed)) return null;
    return Payloads.fromObject(parsed).payloads;
  } catch {
    return null;
  }
}
