/** Why there is no connection to Temporal, in words that say what to change. The SDK's two connections tell the reason
 *  in two ways, and one of them often not at all ("Failed to connect before the deadline"). So the server itself is
 *  asked once more. */
import { isIP, connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { BadInput, ErrorKind, RaptError } from '../../contracts/index.ts';
import { tlsOf, type NamedTemporal, type TemporalConnection } from '../../settings/index.ts';
import { STATUS } from './grpc-status.ts';

const NO_CLIENT_CERTIFICATE =
  'asks for a client certificate; set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH';
const BAD_CLIENT_CERTIFICATE =
  'refused the client certificate of TEMPORAL_TLS_CLIENT_CERT_PATH; ' +
  'is it of an authority that the server knows, and has it not expired?';
const NO_API_KEY = 'asks for an API key; give one by RAPT_TEMPORAL_API_KEY_FILE or TEMPORAL_API_KEY';
const BAD_API_KEY = 'refused the API key; correct RAPT_TEMPORAL_API_KEY_FILE or TEMPORAL_API_KEY, or ask for a key';

const PROBE_MS = 3000;
const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';

/** @param error what the SDK's `connect` threw. */
export async function explainConnection(error: unknown, named: NamedTemporal): Promise<RaptError> {
  const { connection } = named;
  const { address, tls } = connection;
  if (isRefusal(error)) return explainRefusal(named);
  const found = await (tlsOf(tls).isOn ? lookByTls(connection) : lookPlainly(address));
  switch (found.what) {
    case 'speaks TLS':
      return new BadInput([
        {
          where: 'TEMPORAL_TLS',
          problem:
            `the Temporal server at ${address} speaks TLS only; set it to true, ` +
            'and TEMPORAL_TLS_SERVER_CA_CERT_PATH where an authority of your own vouches for the server',
        },
      ]);
    case 'speaks no TLS':
      return new BadInput([
        {
          where: 'TEMPORAL_TLS',
          problem:
            `what listens at ${address} does not speak TLS; ` +
            'correct the address, or leave out TEMPORAL_TLS* and the API key',
        },
      ]);
    case 'is not trusted':
      return new RaptError(
        ErrorKind.unavailable,
        `the certificate of the Temporal server at ${address} is not trusted (${found.reason}); ` +
          'name the authority that vouches for it in TEMPORAL_TLS_SERVER_CA_CERT_PATH, ' +
          "and the server's name in TEMPORAL_TLS_SERVER_NAME where it is not that of the address",
      );
    case 'refused us': {
      const problem = tlsOf(tls).clientCertPair === undefined ? NO_CLIENT_CERTIFICATE : BAD_CLIENT_CERTIFICATE;
      return new RaptError(ErrorKind.accessDenied, `the Temporal server at ${address} ${problem} (${found.reason})`);
    }
    case 'no PEM':
      return new BadInput([
        {
          where: 'TEMPORAL_TLS_*',
          problem: `a certificate or a key is not in PEM, or the two do not belong together (${found.reason})`,
        },
      ]);
    default:
      return new RaptError(
        ErrorKind.unavailable,
        `no Temporal server answers at ${address} (${found.reason}); ` +
          'start the local one with `rapt up`, or see `rapt doctor`',
      );
  }
}

/** The error for a server that took the connection and then refused this process. */
export function explainRefusal({ connection: { address, apiKey }, namespace }: NamedTemporal): RaptError {
  const problem = apiKey === undefined ? NO_API_KEY : `${BAD_API_KEY} that covers the namespace ${namespace}`;
  return new RaptError(ErrorKind.accessDenied, `the Temporal server at ${address} ${problem}`);
}

/** Whether something failed because the server refused this process. The native connection tells the status only in
 *  words. */
export function isRefusal(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && (at.code === STATUS.permissionDenied || at.code === STATUS.unauthenticated)) return true;
    if (/does not have valid authentication credentials|does not have permission to execute/.test(at.message))
      return true;
  }
  return false;
}

interface Found {
  readonly what: 'speaks TLS' | 'speaks no TLS' | 'is not trusted' | 'refused us' | 'no PEM' | 'does not answer';
  /** A code, never a text from the other side. */
  readonly reason: string;
}

const NO_TLS = ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'EPROTO'];

function placeOf(address: string): { host: string; port: number } {
  const [, host = address, port = '7233'] = /^(.*):(\d+)$/.exec(address) ?? [];
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

async function lookPlainly(address: string): Promise<Found> {
  const place = placeOf(address);
  const plain = await watch(() => connectTcp(place), 'connect');
  if (plain.event !== 'ready') return { what: 'does not answer', reason: plain.reason };
  const secure = await watch(
    () => connectTls({ ...place, rejectUnauthorized: false, ALPNProtocols: ['h2'] }),
    'secureConnect',
  );
  if (secure.event === 'ready') return { what: 'speaks TLS', reason: '' };
  const { data } = await watch(() => {
    const socket = connectTcp(place, () => socket.write(HTTP2_PREFACE));
    return socket;
  }, 'data');
  const reason = isSettingsFrame(data)
    ? 'it took the connection, but said no more in time: it may still be starting, or be overloaded'
    : 'something else listens there';
  return { what: 'does not answer', reason };
}

/** How a server of HTTP/2 begins (RFC 9113, sections 3.4 and 4.1): three bytes of length, then the type of the
 *  frame. */
const isSettingsFrame = (data: Buffer | null): boolean => data !== null && data.length >= 4 && data[3] === 4;

async function lookByTls({ address, tls }: TemporalConnection): Promise<Found> {
  const place = placeOf(address);
  const { serverName: name = place.host, authority, clientCertPair } = tlsOf(tls);
  const options: ConnectionOptions = {
    ...place,
    ALPNProtocols: ['h2'],
    // Whether we trust the server is told below, apart from whether it trusts us.
    rejectUnauthorized: false,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(authority === undefined ? {} : { ca: Buffer.from(authority) }),
    ...(clientCertPair === undefined
      ? {}
      : { cert: Buffer.from(clientCertPair.crt), key: Buffer.from(clientCertPair.key) }),
  };
  let trust = '';
  try {
    // With TLS 1.3 a server refuses a client's certificate after the handshake, in place of its first data.
    const { event, reason } = await watch(() => {
      const socket = connectTls(options, () => {
        if (!socket.authorized) trust = codeOf(socket.authorizationError);
        socket.write(HTTP2_PREFACE);
      });
      return socket;
    }, 'data');
    if (trust !== '') return { what: 'is not trusted', reason: trust };
    if (event === 'ready') return { what: 'does not answer', reason: 'it closed the connection' };
    if (NO_TLS.includes(reason)) return { what: 'speaks no TLS', reason };
    return event === 'late' || /^E(?!RR_)(?!CONNRESET|PIPE)/.test(reason)
      ? { what: 'does not answer', reason }
      : { what: 'refused us', reason };
  } catch (error) {
    return { what: 'no PEM', reason: codeOf(error) };
  }
}

interface Watched {
  readonly event: 'ready' | 'ended' | 'late';
  readonly reason: string;
  /** The data that came with the event. */
  readonly data: Buffer | null;
}

/** Waits for one event of a new connection. */
async function watch(open: () => Socket, awaited: 'connect' | 'secureConnect' | 'data'): Promise<Watched> {
  const socket = open();
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve) => {
      socket.once(awaited, (data?: Buffer) => resolve({ event: 'ready', reason: '', data: data ?? null }));
      socket.once('error', (error) => resolve({ event: 'ended', reason: codeOf(error), data: null }));
      socket.once('close', () => resolve({ event: 'ended', reason: 'closed', data: null }));
      timer = setTimeout(
        () => resolve({ event: 'late', reason: `no answer for ${PROBE_MS / 1000} s`, data: null }),
        PROBE_MS,
      );
    });
  } finally {
    clearTimeout(timer);
    socket.on('error', () => undefined);
    socket.destroy();
  }
}

const codeOf = (error: unknown): string => {
  const code =
    typeof error === 'string'
      ? error
      : typeof error === 'object' && error !== null && 'code' in error
        ? error.code
        : undefined;
  return typeof code === 'string' ? code : 'unknown error';
};
