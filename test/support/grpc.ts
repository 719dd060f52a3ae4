/** Reads what was sent over gRPC. Temporal's workers compress their requests, so the bytes on the wire alone show
 *  little. */
import { gunzipSync } from 'node:zlib';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const FRAME_HEAD = 9;
const DATA = 0;
const PADDED = 8;
/** Whether it is compressed, and its length. */
const MESSAGE_HEAD = 5;

/** The messages in what a client sent on one HTTP/2 connection (RFC 9113, and gRPC over HTTP/2), decompressed. What was
 *  cut off by the connection's end is left out. */
export function grpcRequests(connection: Buffer): Buffer[] {
  const bodies = new Map<number, Buffer[]>();
  if (!connection.subarray(0, PREFACE.length).equals(Buffer.from(PREFACE))) return [];
  for (let at = PREFACE.length; at + FRAME_HEAD <= connection.length;) {
    const length = connection.readUIntBE(at, 3);
    const [type, flags, stream] = [
      connection[at + 3]!,
      connection[at + 4]!,
      connection.readUInt32BE(at + 5) & 0x7fffffff,
    ];
    const payload = connection.subarray(at + FRAME_HEAD, at + FRAME_HEAD + length);
    at += FRAME_HEAD + length;
    if (type !== DATA || payload.length < length) continue;
    const data = (flags & PADDED) === 0 ? payload : payload.subarray(1, payload.length - payload[0]!);
    bodies.set(stream, [...(bodies.get(stream) ?? []), data]);
  }
  return [...bodies.values()].flatMap((parts) => [...messagesOf(Buffer.concat(parts))]);
}

function* messagesOf(body: Buffer): Generator<Buffer> {
  for (let at = 0; at + MESSAGE_HEAD <= body.length;) {
    const end = at + MESSAGE_HEAD + body.readUInt32BE(at + 1);
    if (end > body.length) return;
    const message = body.subarray(at + MESSAGE_HEAD, end);
    yield body[at] === 1 ? gunzipSync(message) : message;
    at = end;
  }
}
