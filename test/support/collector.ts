/** An OpenTelemetry collector: takes what is sent to it by OTLP, as JSON, and keeps it. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

type Value = {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
};
interface Attribute {
  readonly key: string;
  readonly value: Value;
}
interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[];
  }[];
}
interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly events: readonly unknown[];
  readonly status: { readonly code?: number; readonly message?: string };
}

export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parent: string | null;
  readonly name: string;
  readonly service: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly failed: boolean;
}

export interface Received {
  readonly path: string;
  readonly contentType: string;
  readonly body: Buffer;
}

export class Collector {
  readonly received: Received[] = [];
  readonly #server = http.createServer((request, reply) => {
    void this.#take(request).then(
      () => reply.writeHead(200, { 'Content-Type': 'application/json' }).end('{}'),
      () => reply.destroy(),
    );
  });

  /** @returns what OTEL_EXPORTER_OTLP_ENDPOINT names. */
  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** All that came as JSON. */
  get spans(): CollectedSpan[] {
    return this.received
      .filter(({ contentType }) => contentType.startsWith('application/json'))
      .flatMap(({ body }) => spansOf(JSON.parse(body.toString('utf8')) as ExportRequest));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #take(request: http.IncomingMessage): Promise<void> {
    const body = await buffer(request);
    this.received.push({
      path: request.url ?? '',
      contentType: request.headers['content-type'] ?? '',
      body: request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body,
    });
  }
}

const spansOf = ({ resourceSpans }: ExportRequest): CollectedSpan[] =>
  resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(valuesOf(resource.attributes)['service.name']);
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => collected(span, service)));
  });

function collected(span: SentSpan, service: string): CollectedSpan {
  const { traceId, spanId, parentSpanId = '', name, startTimeUnixNano, endTimeUnixNano, attributes, status } = span;
  const ms = (nanos: string): number => Number(BigInt(nanos) / 1000n) / 1000;
  return {
    traceId,
    spanId,
    parent: parentSpanId === '' ? null : parentSpanId,
    name,
    service,
    startMs: ms(startTimeUnixNano),
    endMs: ms(endTimeUnixNano),
    attributes: valuesOf(attributes),
    failed: status.code === 2,
  };
}

function valuesOf(attributes: readonly Attribute[]): Record<string, string | number | boolean> {
  return Object.fromEntries(
    attributes.map(({ key, value: { stringValue, intValue, doubleValue, boolValue } }) => [
      key,
      stringValue ?? boolValue ?? doubleValue ?? Number(intValue),
    ]),
  );
}
