/** The provider's side of a hunt: the servers and workers of a local stack, without its client worker, and all that
 *  they hold. The collector of traces is the provider's; the client sends its own there as well. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkflowService } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { minioClient } from '../minio-client.ts';
import { down, up } from '../../../infra/index.ts';
import { readKeysFile, readStack, type StackRecord } from '../../../settings/index.ts';
import { COMPONENTS, writeStack, type Component } from '../../../settings/stack-record.ts';
import { dataConverter } from '../../../workers/data-converter.ts';
import { Collector } from '../collector.ts';
import { answers, filesIn, metricsPages, objects, processes, server, Watch, workflows } from './places.ts';
import { steadyPort } from './ports.ts';
import type { Place } from './search.ts';
import { eventually } from '../probe.ts';
import { TestStack } from '../stack.ts';

const PROVIDER = COMPONENTS.filter((component) => component !== 'client');

export class LeakProvider {
  readonly #stack = new TestStack();
  readonly folder = join(this.#stack.home, 'stack');
  readonly gpuFolder = join(this.#stack.home, 'gpu');
  /** Where its processes put what is temporary. */
  readonly temporary = join(this.#stack.home, 'tmp');
  readonly keysFile = this.#stack.keysFile;
  readonly #collector = new Collector();
  #restarts: Promise<void> = Promise.resolve();

  /** Starts it, with a bucket that keeps every version of every object. This process's environment becomes that of its
   *  processes. */
  async start(): Promise<void> {
    Object.assign(process.env, { RAPT_HOME: this.#stack.home, TMPDIR: this.temporary });
    mkdirSync(this.temporary);
    Object.assign(process.env, {
      OTEL_EXPORTER_OTLP_ENDPOINT: await this.#collector.listen(),
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    });
    await choosePorts();
    const { s3 } = await up({ components: PROVIDER });
    await minioClient(s3).setBucketVersioning(s3.bucket, { Status: 'Enabled' });
  }

  async remove(): Promise<void> {
    await down();
    await this.#stack.remove();
    await this.#collector.close();
  }

  /** With the keys of its own workers. */
  dataConverter(): DataConverter {
    return dataConverter(readKeysFile(this.keysFile));
  }

  get record(): StackRecord {
    return readStack()!;
  }

  pidOf(component: Component): number {
    return this.record.processes[component]!.pid;
  }

  /** Kills a server or worker, and starts it again; one after the other, since they are entered into one record. */
  restart(component: Component): Promise<void> {
    this.#restarts = this.#restarts.then(async () => {
      const pid = this.pidOf(component);
      process.kill(pid, 'SIGKILL');
      // It keeps its port until its last thread has ended.
      await eventually(`${component} has ended`, 30_000, () => !existsSync(`/proc/${pid}`));
      await up({ components: [component] });
    });
    return this.#restarts;
  }

  /** Keeps all that is seen, while runs are under way, on disks, of processes, and of workflows. */
  watch(service: WorkflowService): Watch[] {
    return [
      new Watch(() => this.#changing(), 400),
      new Watch(() => workflows(service, 'open'), 1500),
      new Watch(() => answers(service, 'open'), 4000),
    ];
  }

  /** @param more processes that are searched besides the provider's. */
  async *places(service: WorkflowService, more: readonly number[] = []): AsyncGenerator<Place> {
    yield* this.#changing(more);
    yield* filesIn('temporary file', this.temporary);
    yield* filesIn('log', join(this.folder, 'logs'));
    for (const [at, { body }] of this.#collector.received.entries())
      yield { kind: 'exported trace', name: `request ${at}`, bytes: body };
    yield* metricsPages([this.record.metrics.control, this.record.metrics.gpu]);
    yield* filesIn('MinIO data', join(this.folder, 'minio'));
    yield* filesIn('Temporal database', this.folder, /^temporal\.db/);
    yield* objects(this.record.s3);
    yield* workflows(service, 'all');
    yield* answers(service, 'all');
    yield* server(service);
  }

  *#changing(more: readonly number[] = []): Generator<Place> {
    yield* processes([...PROVIDER.map((component) => this.pidOf(component)), ...more]);
    yield* filesIn('GPU disk', this.gpuFolder);
    // The compiled sources of the project are looked at in the end.
    yield* filesIn('temporary file', this.temporary, /^(?!tsx-)/);
  }
}

async function choosePorts(): Promise<void> {
  let record = JSON.stringify(await up({ components: [] }));
  for (const [address] of record.matchAll(/127\.0\.0\.1:\d+/g))
    record = record.replace(address, `127.0.0.1:${await steadyPort()}`);
  writeStack(JSON.parse(record) as StackRecord);
}
