/** How the client's requests travel. */
import http from 'node:http';
import https from 'node:https';

/** A transport in which no request waits for ever. When nothing moves on the connection for `timeoutMs`, also while it
 *  connects or reads the reply, the request fails with ETIMEDOUT. */
export function transportWithTimeout(useSSL: boolean, timeoutMs: number): Pick<typeof http, 'request'> {
  const { request } = useSSL ? https : http;
  const agent = new (useSSL ? https : http).Agent({ keepAlive: true, maxSockets: 16 });
  const send = (options: http.RequestOptions, onReply?: (reply: http.IncomingMessage) => void): http.ClientRequest => {
    const pending = request({ ...options, agent, timeout: timeoutMs }, (reply) => {
      // With these statuses the client throws without reading the reply, and the connection would stay in use.
      if (UNREAD_STATUSES.has(reply.statusCode ?? 0)) reply.resume();
      onReply?.(reply);
    });
    pending.on('timeout', () => {
      pending.destroy(Object.assign(new Error(`nothing was heard for ${timeoutMs} ms`), { code: 'ETIMEDOUT' }));
    });
    return pending;
  };
  // The client calls only this one of `request`'s signatures.
  return { request: send as typeof http.request };
}

const UNREAD_STATUSES: ReadonlySet<number> = new Set([408, 429, 499, 500, 502, 503, 504, 520]);
