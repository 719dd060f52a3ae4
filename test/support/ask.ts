import http from 'node:http';
import https from 'node:https';
import { text as textOf } from 'node:stream/consumers';

export interface Asked {
  readonly method?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: string;
  /** Who vouches for the server. */
  readonly ca?: Buffer;
}

/** One request. Node's own fetch does not let the Host and Origin be chosen. */
export async function ask(
  url: string,
  { method = 'GET', headers = {}, body = '', ca }: Asked = {},
): Promise<{ status: number; headers: http.IncomingHttpHeaders; text: string }> {
  const [reply] = await new Promise<[http.IncomingMessage]>((resolve, reject) => {
    const request = url.startsWith('https')
      ? https.request(url, { method, headers, ca })
      : http.request(url, { method, headers });
    request
      .on('response', (answer) => resolve([answer]))
      .on('error', reject)
      .end(body);
  });
  return { status: reply.statusCode!, headers: reply.headers, text: await textOf(reply) };
}
