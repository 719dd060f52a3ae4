import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { context, propagation, trace } from '@opentelemetry/api';
import { BadInput, ErrorKind, RaptError } from '../../contracts/index.ts';
import { inSpan, startTracing } from '../../telemetry/index.ts';
import { Collector } from '../support/collector.ts';

const SECRET = 'a quoted text';
const collector = new Collector();
let endpoint: string;

before(async () => {
  endpoint = await collector.listen();
});
after(() => collector.close());
const clean = (): void => {
  for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) Reflect.deleteProperty(process.env, name);
  for (const api of [trace, context, propagation]) api.disable();
  collector.received.length = 0;
};
beforeEach(clean);
afterEach(clean);

const failing = (error: Error): Promise<void> =>
  assert.rejects(
    inSpan('work', () => Promise.reject(error), { rows: 3 }),
    error,
  );

test('without a collector, with the SDK disabled, or with the exporter "none", work is done untraced', async () => {
  for (const settings of [
    {},
    { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SDK_DISABLED: 'true' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_EXPORTER: 'none' },
  ]) {
    Object.assign(process.env, settings);
    assert.equal(await startTracing('cli'), null);
    clean();
  }
  assert.equal(await inSpan('work', () => Promise.resolve(7)), 7);
  assert.equal(collector.received.length, 0);
});

test('spans go out as protobuf by default, and of a failure only its kind', async () => {
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = endpoint;
  const tracing = await startTracing('gpu');
  await failing(new RaptError(ErrorKind.noSpace, SECRET));
  await failing(new Error(SECRET));
  await tracing!.stop();
  const [{ path, contentType, body }] = collector.received as [(typeof collector.received)[0]];
  assert.deepEqual([path, contentType], ['/v1/traces', 'application/x-protobuf']);
  for (const said of ['rapt-gpu', 'work', ErrorKind.noSpace, ErrorKind.unexpected])
    assert.ok(body.includes(said), said);
  assert.ok(!body.includes(SECRET));
});

test('or as JSON, under the name that the environment gives, and never with the machine or the command', async () => {
  Object.assign(process.env, {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_SERVICE_NAME: 'mine',
    OTEL_RESOURCE_ATTRIBUTES: 'team=blue',
  });
  const tracing = await startTracing('gpu');
  await inSpan('outer', () => inSpan('inner', () => Promise.resolve(), { rows: 3 }));
  await tracing!.stop();
  const [inner, outer] = collector.spans;
  assert.deepEqual(
    [inner!.name, inner!.service, inner!.parent, inner!.attributes],
    ['inner', 'mine', outer!.spanId, { rows: 3 }],
  );
  const { resourceSpans } = JSON.parse(collector.received[0]!.body.toString()) as {
    resourceSpans: { resource: { attributes: { key: string }[] } }[];
  };
  const keys = resourceSpans[0]!.resource.attributes.map(({ key }) => key).sort();
  assert.deepEqual(keys, ['rapt.process', 'service.name', 'service.version', 'team']);
});

test('a protocol or an exporter that is not there is refused', async () => {
  for (const settings of [
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'smoke' },
    { OTEL_TRACES_EXPORTER: 'zipkin' },
  ]) {
    Object.assign(process.env, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...settings });
    await assert.rejects(
      startTracing('cli'),
      (error) => error instanceof BadInput && error.message.includes(Object.keys(settings)[0]!),
    );
    clean();
  }
});
