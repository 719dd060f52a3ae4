/** Why there is no connection to Temporal, in words that say what to change. The SDK's two connections tell it in two
 *  ways, and one of them not at all ("Failed to connect before the deadline"); so this asks the server itself once
 *  more. */
import { isIP, connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { BadInput, ErrorKind, RaptError } from '../../contracts/index.ts';
import { tlsOf, type NamedTemporal, type TemporalConnection } from '../../settings/index.ts';

const PROBE_MS = 3000;
const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';
const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;

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
            `the Temporal server at ${address} speaks TLS only; set it to true, and TEMPORAL_TLS_SERVER_CA_CERT_PATH ` +
            'where an authority of your own vouches for the server',
        },
      ]);
    case 'speaks no TLS':
      return new BadInput([
        {
          where: 'TEMPORAL_TLS',
          problem:
            `what listens at ${address} does not speak TLS; correct the address, or leave out TEMPORAL_TLS* and the ` +
            'API key',
        },
      ]);
    case 'is not trusted':
      return new RaptError(
        ErrorKind.unavailable,
        `the certificate of the Temporal server at ${address} is not trusted (${found.reason}); name the authority ` +
          "that vouches for it in TEMPORAL_TLS_SERVER_CA_CERT_PATH, and the server's name in " +
          'TEMPORAL_TLS_SERVER_NAME where it is not that of the address',
      );
    case 'refused us': {
      const hasPair = tlsOf(tls).clientCertPair !== undefined;
      const problem = hasPair
        ? 'refused the client certificate of TEMPORAL_TLS_CLIENT_CERT_PATH; is it of an authority that the server ' +
          'knows, and has it not expired'
        : 'asks for a client certificate; set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH';
      return new RaptError(
        ErrorKind.accessDenied,
        `the Temporal server at ${address} ${problem}${hasPair ? '?' : ''} (${found.reason})`,
      );
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
        `no Temporal server answers at ${address} (${found.reason}); start the local one with \`rapt up\`, or see ` +
          '`rapt doctor`',
      );
  }
}

/** For a server that took the connection and refused who asks. */
export function explainRefusal({ connection: { address, apiKey }, namespace }: NamedTemporal): RaptError {
  const problem =
    apiKey === undefined
      ? 'asks for an API key; give one by RAPT_TEMPORAL_API_KEY_FILE or TEMPORAL_API_KEY'
      : 'refused the API key; correct RAPT_TEMPORAL_API_KEY_FILE or TEMPORAL_API_KEY, or ask for a key';
  return new RaptError(
    ErrorKind.accessDenied,
    `the Temporal server at ${address} ` +
      `${problem}${apiKey === undefined ? '' : ` that covers the namespace ${namespace}`}`,
  );
}

/** Whether that is why something failed. The native connection tells the status in words alone. */
export function isRefusal(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && (at.code === PERMISSION_DENIED || at.code === UNAUTHENTICATED)) return true;
    if (/does not have valid authentication credentials|does not have permission to execute/.test(at.message))
      return true;
  }
  return false;
}

interface Found {
  readonly what: 'speaks TLS' | 'speaks no TLS' | 'is not trusted' | 'refused us' | 'no PEM' | 'does not answer';
  /** A code, never a text of the other side. */
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
    // Told below, apart from what the server says of us.
    rejectUnauthorized: false,
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(authority === undefined ? {} : { ca: Buffer.from(authority) }),
    ...(clientCertPair === undefined
      ? {}
      : { cert: Buffer.from(clientCertPair.crt), key: Buffer.from(clientCertPair.key) }),
  };
  let trust = '';
  try {
    // With TLS 1.3 a server tells what it thinks of a client's certificate after the handshake, in place of its first
    // data.
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
  /** What came with the event. */
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
