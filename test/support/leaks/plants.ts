/** Leaks made on purpose, one on each kind of place, to show that the hunt finds them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { gzipSync } from 'node:zlib';
import { Client, Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { minioClient } from '../minio-client.ts';
import type { Tokenizer } from '../../../rapt/backbone/index.ts';
import { CONTROL_QUEUE } from '../../../contracts/index.ts';
import { toRagged } from '../../../rapt/release/ragged.ts';
import { encodeShard } from '../../../rapt/release/shard.ts';
import type { StoreOptions } from '../../../storage/index.ts';
import type { Markers } from './markers.ts';
import { CLASSES } from './marked-tables.ts';
import { eventually } from '../probe.ts';

const { CommandType } = proto.temporal.api.enums.v1;
const POLL_MS = 30_000;

/** What is planted, and the kinds of place on which it must be found: where there, and by which reading. */
export interface Plant {
  readonly what: string;
  readonly kinds: readonly string[];
  readonly place?: RegExp;
  readonly how?: RegExp;
}

export interface PlantOptions {
  readonly markers: Markers;
  readonly tokenizer: Tokenizer;
  /** Temporal's server and the store, by way of the client's taps. */
  readonly temporalAddress: string;
  readonly s3: StoreOptions;
  readonly stackFolder: string;
  /** Of traces. */
  readonly collector: string;
  /** The control worker's page. */
  readonly metricsAddress: string;
  readonly gpuFolder: string;
  readonly temporary: string;
  /** Some coordinates of a noisy embedding, and of the noise in it. */
  readonly embedding: Float64Array;
  readonly noise: Float64Array;
  readonly testLabels: readonly number[];
  /** Of a table. */
  readonly digest: string;
  readonly releaseKey: Uint8Array;
}

export async function plantLeaks(o: PlantOptions): Promise<{ plants: Plant[]; process: ChildProcess }> {
  const marker = (): string => o.markers.plant('leak made on purpose');
  const [environment, argument] = [marker(), marker()];
  const process = spawn(execPath, ['-e', 'setInterval(() => undefined, 1000)', argument], {
    env: { LEAK: environment },
    stdio: 'ignore',
  });
  return {
    process,
    plants: [
      { what: environment, kinds: ['process environment'] },
      { what: argument, kinds: ['process arguments'] },
      ...(await onTemporal(o, marker)),
      ...(await inObjects(o, marker)),
      ...(await whereItIsWatched(o, marker)),
      ...onDisks(o, marker),
    ],
  };
}

/** A client without keys starts a workflow, whose worker fails with a message that is not encrypted. */
async function onTemporal({ temporalAddress }: PlantOptions, marker: () => string): Promise<Plant[]> {
  const [memo, input, message, signal] = [marker(), marker(), marker(), marker()];
  const taskQueue = 'leaks';
  const connection = await Connection.connect({ address: temporalAddress });
  try {
    const handle = await new Client({ connection }).workflow.start('leak', {
      workflowId: 'leak',
      taskQueue,
      args: [{ text: input }],
      memo: { note: memo },
    });
    await handle.signal('note', signal);
    const poll = { namespace: 'default', taskQueue: { name: taskQueue }, identity: 'leak' };
    const { taskToken } = await connection.withDeadline(Date.now() + POLL_MS, () =>
      connection.workflowService.pollWorkflowTaskQueue(poll),
    );
    const failure = { message, applicationFailureInfo: { type: 'Leak' } };
    await connection.workflowService.respondWorkflowTaskCompleted({
      namespace: 'default',
      taskToken,
      commands: [
        {
          commandType: CommandType.COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION,
          failWorkflowExecutionCommandAttributes: { failure },
        },
      ],
    });
  } finally {
    await connection.close();
  }
  return [
    {
      what: memo,
      kinds: [
        'description',
        'list of workflows',
        'history',
        'Temporal database',
        'sent to Temporal',
        'request to Temporal',
      ],
    },
    ...[input, message, signal].map((what) => ({
      what,
      kinds: ['history', 'Temporal database', 'sent to Temporal', 'request to Temporal'],
    })),
  ];
}

/** An attribute of a span, and a type of workflow that the control worker does not know and counts. */
async function whereItIsWatched(
  { temporalAddress, collector, metricsAddress }: PlantOptions,
  marker: () => string,
): Promise<Plant[]> {
  const [attribute, type] = [marker(), marker()];
  await fetch(`${collector}/v1/traces`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ resourceSpans: [], attribute }),
  });
  const connection = await Connection.connect({ address: temporalAddress });
  try {
    await new Client({ connection }).workflow.start(type, { workflowId: 'leak-of-a-type', taskQueue: CONTROL_QUEUE });
    await eventually('the control worker counts it', POLL_MS, async () =>
      (await (await fetch(`http://${metricsAddress}/metrics`)).text()).includes(type),
    );
  } finally {
    await connection.close();
  }
  return [
    { what: attribute, kinds: ['exported trace'] },
    { what: type, kinds: ['page of metrics', 'history'] },
  ];
}

async function inObjects(
  { markers, tokenizer, s3, embedding, noise, testLabels, digest, releaseKey }: PlantOptions,
  marker: () => string,
): Promise<Plant[]> {
  const client = minioClient(s3);
  const put = (name: string, content: Uint8Array | string, metadata = {}): Promise<unknown> =>
    client.putObject(s3.bucket, `leaks/${name}`, Buffer.from(content), undefined, metadata);
  const object = ['object'];
  const plants: Plant[] = [];

  for (const encoding of markers.encodings) {
    const what = marker();
    // Something else before and after it.
    await put(encoding, Buffer.concat([Buffer.alloc(5, 'a'), markers.encode(what, encoding), Buffer.alloc(5, 'b')]));
    plants.push({ what, kinds: object, how: new RegExp(`^${encoding}$`) });
  }

  const older = marker();
  await put('replaced', older);
  await put('replaced', 'nothing');
  plants.push({ what: older, kinds: ['older version of an object', 'MinIO data', 'sent to MinIO'] });

  const named = marker();
  await put(named, 'nothing');
  plants.push({ what: named, kinds: object, how: /^name/ });
  const described = marker();
  await put('described', 'nothing', { 'x-amz-meta-note': described });
  plants.push({ what: described, kinds: ["object's metadata"] });

  const compressed = marker();
  const columnData = [{ name: 'note', data: ['nothing', compressed, 'nothing'] }];
  await put(
    'compressed.parquet',
    new Uint8Array(
      parquetWriteBuffer({
        columnData,
        codec: 'GZIP',
        compressors: { GZIP: (bytes) => gzipSync(bytes) },
        statistics: false,
      }),
    ),
  );
  plants.push({ what: compressed, kinds: object, how: /^Parquet column note, utf-8$/ });
  const zipped = marker();
  await put('lines.gz', gzipSync(`nothing\n${zipped}\n`));
  plants.push({ what: zipped, kinds: object, how: /^unzipped, utf-8$/ });

  const unprivatized = marker();
  const ids = tokenizer.encode(`the film ${unprivatized} was good`, 40);
  await put(
    'train-00000.parquet',
    encodeShard({
      count: 1,
      rows: Int32Array.of(0),
      input: toRagged([ids]),
      pair: null,
      labels: Int32Array.of(1),
      plain: null,
    }),
  );
  for (const how of [
    /input_ids, joined, utf-8 of lower case/,
    /input_ids, word pieces, word pieces/,
    /input_ids, token ids in JSON/,
  ])
    plants.push({ what: unprivatized, kinds: object, how });

  await put('noise', new Uint8Array(Float32Array.from(noise).buffer));
  await put('noise-64', Buffer.concat([Buffer.alloc(3), new Uint8Array(noise.slice().buffer)]));
  await put('embedding.txt', Array.from(embedding, (value) => value.toFixed(4)).join(' '));
  await put('embedding.json', JSON.stringify({ q: [...embedding] }));
  await put(
    'embedding.base64',
    JSON.stringify({ q: Buffer.from(new Float32Array(embedding).buffer).toString('base64') }),
  );
  plants.push(
    { what: 'noise as float32', kinds: object, place: /noise$/ },
    { what: 'noise as float64', kinds: object, place: /noise-64$/ },
    { what: 'noisy embedding as decimal', kinds: object, place: /embedding\.txt$/ },
    { what: 'noisy embedding as decimal', kinds: object, place: /embedding\.json$/ },
    { what: 'noisy embedding as float32', kinds: object, place: /embedding\.base64$/, how: /^from base64$/ },
  );

  await put('labels.json', JSON.stringify({ labels: testLabels }));
  await put('labels.csv', testLabels.map((label, row) => `${row},${CLASSES[label]!}`).join('\r\n'));
  await put(
    'labels.parquet',
    new Uint8Array(parquetWriteBuffer({ columnData: [{ name: 'label', data: Int32Array.from(testLabels) }] })),
  );
  await put('labels', new Uint8Array(Int32Array.from(testLabels).buffer));
  plants.push(
    { what: 'labels of test rows as uint8', kinds: object, place: /labels\.json$/, how: /^labels$/ },
    { what: 'labels of test rows as uint8', kinds: object, place: /labels\.csv$/, how: /^labels$/ },
    {
      what: 'labels of test rows as uint8',
      kinds: object,
      place: /labels\.parquet$/,
      how: /^Parquet column label, labels$/,
    },
    { what: 'labels of test rows as int32', kinds: object, place: /labels$/ },
  );

  await put('digests.json', JSON.stringify({ table: digest, key: Buffer.from(releaseKey).toString('base64') }));
  plants.push({ what: 'sha256 of a table', kinds: object }, { what: 'release key', kinds: object });
  return plants;
}

function onDisks({ stackFolder, gpuFolder, temporary }: PlantOptions, marker: () => string): Plant[] {
  const [line, file, name, leftover] = [marker(), marker(), marker(), marker()];
  appendFileSync(
    join(stackFolder, 'logs', 'gpu.log'),
    `${JSON.stringify({ level: 'warn', message: `cannot read "${line}"` })}\n`,
  );
  const folder = join(gpuFolder, 'attempts', 'leak');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'batch.json'), JSON.stringify([file]));
  writeFileSync(join(folder, name), '');
  writeFileSync(join(temporary, 'leak'), leftover);
  return [
    { what: line, kinds: ['log'] },
    { what: file, kinds: ['GPU disk'] },
    { what: name, kinds: ['GPU disk'], how: /^name/ },
    { what: leftover, kinds: ['temporary file'] },
  ];
}
