/** The client's side of a hunt, apart from the provider's: a home of its own, and all that it sends goes by way of a
 *  tap that keeps it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StackRecord } from '../../../settings/index.ts';
import type { StoreOptions } from '../../../storage/index.ts';
import { grpcRequests } from '../grpc.ts';
import { steadyPort } from './ports.ts';
import { metricsPages } from './places.ts';
import type { Place } from './search.ts';
import { eventually } from '../probe.ts';
import { PROGRAM, runProgram, type CommandResult } from '../stack.ts';

/** Passes on all bytes, and keeps those that went to the server. */
class Tap {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #sent: Buffer[][] = [];

  private constructor(target: URL) {
    this.#server = createServer((incoming) => {
      const sent: Buffer[] = [];
      this.#sent.push(sent);
      const outgoing = createConnection({ host: target.hostname, port: Number(target.port) });
      incoming.on('data', (chunk: Buffer) => sent.push(chunk));
      incoming.pipe(outgoing).pipe(incoming);
      // The server is down: so is the tap.
      for (const [one, other] of [
        [incoming, outgoing],
        [outgoing, incoming],
      ] as const) {
        this.#sockets.add(one);
        one
          .on('error', () => one.destroy())
          .on('close', () => {
            this.#sockets.delete(one);
            other.destroy();
          });
      }
    });
  }

  static async open(target: string): Promise<Tap> {
    const tap = new Tap(new URL(target));
    tap.#server.listen(0, '127.0.0.1');
    await once(tap.#server, 'listening');
    return tap;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What was sent on each connection. */
  get sent(): Buffer[] {
    return this.#sent.map((chunks) => Buffer.concat(chunks));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

export class LeakClient {
  readonly #home: string;
  readonly #temporal: Tap;
  readonly #store: Tap;
  readonly #env: NodeJS.ProcessEnv;
  /** The store, by way of the tap. */
  readonly s3: StoreOptions;
  #worker: ChildProcess | null = null;
  readonly #log: Buffer[] = [];

  /** As RAPT_HOME names it. */
  get home(): string {
    return this.#home;
  }

  private constructor(home: string, temporal: Tap, store: Tap, s3: StoreOptions, env: NodeJS.ProcessEnv) {
    this.#home = home;
    this.#temporal = temporal;
    this.#store = store;
    this.s3 = s3;
    this.#env = env;
  }

  /** @param home folder of the client alone. @param pointsFile where the worker's noisy points are written down, see
   *  capture.mjs. */
  static async open(
    home: string,
    { temporal, s3 }: StackRecord,
    { keysFile, ownerKeysFile, pointsFile }: { keysFile: string; ownerKeysFile: string; pointsFile: string },
  ): Promise<LeakClient> {
    mkdirSync(join(home, 'tmp'), { recursive: true });
    const [toTemporal, toStore] = [await Tap.open(`http://${temporal.address}`), await Tap.open(s3.endpoint)];
    const endpoint = `http://${toStore.address}`;
    return new LeakClient(
      home,
      toTemporal,
      toStore,
      { ...s3, endpoint },
      {
        ...process.env,
        RAPT_HOME: home,
        TMPDIR: join(home, 'tmp'),
        RAPT_TEMPORAL_ADDRESS: toTemporal.address,
        RAPT_S3_ENDPOINT: endpoint,
        RAPT_S3_ACCESS_KEY: s3.accessKey,
        RAPT_S3_SECRET_KEY: s3.secretKey,
        RAPT_CODEC_KEYS_FILE: keysFile,
        RAPT_OWNER_KEYS_FILE: ownerKeysFile,
        RAPT_TEST_NOISY_POINTS: pointsFile,
        RAPT_METRICS_ADDRESS: `127.0.0.1:${await steadyPort()}`,
      },
    );
  }

  /** What the client keeps for a tenant. */
  get folder(): string {
    return join(this.#home, 'client', 'local');
  }

  /** Temporal's server, by way of the tap. */
  get temporalAddress(): string {
    return this.#temporal.address;
  }

  rapt(...args: string[]): Promise<CommandResult> {
    return runProgram(process.execPath, [PROGRAM, ...args], this.#env);
  }

  /** As `rapt`, and parses the one JSON object on stdout. @throws Error with what was said when it fails. */
  async json<T>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.rapt(...args, '--json');
    if (code !== 0) throw new Error(`rapt ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
    return JSON.parse(stdout) as T;
  }

  /** Starts the client worker and waits until it is ready. */
  async start(): Promise<void> {
    const capture = fileURLToPath(new URL('capture.mjs', import.meta.url));
    const worker = spawn(process.execPath, [PROGRAM, 'worker', 'client'], {
      env: { ...this.#env, NODE_OPTIONS: `--import ${capture}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#worker = worker;
    const before = this.#log.length;
    for (const stream of [worker.stdout, worker.stderr]) stream.on('data', (chunk: Buffer) => this.#log.push(chunk));
    await eventually('the client worker is ready', 240_000, () =>
      this.#log.slice(before).some((chunk) => chunk.includes('worker ready')),
    );
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    if (worker === null || worker.exitCode !== null || worker.signalCode !== null) return;
    const ended = once(worker, 'exit');
    worker.kill(signal);
    await ended;
  }

  /** Every byte that worker and commands have sent, and what they asked of Temporal, decompressed. */
  *sent(): Generator<Place> {
    for (const [server, tap] of [
      ['Temporal', this.#temporal],
      ['MinIO', this.#store],
    ] as const)
      for (const [connection, bytes] of tap.sent.entries())
        yield { kind: `sent to ${server}`, name: `connection ${connection}`, bytes };
    for (const [connection, bytes] of this.#temporal.sent.entries())
      yield {
        kind: 'request to Temporal',
        name: `connection ${connection}`,
        bytes: Buffer.concat(grpcRequests(bytes)),
      };
  }

  /** The worker's metrics, which whoever has the provider's Prometheus may be shown. */
  metrics(): AsyncGenerator<Place> {
    return metricsPages([this.#env['RAPT_METRICS_ADDRESS']!]);
  }

  /** What the worker says of itself. */
  get log(): Place {
    return { kind: "client's log", name: 'worker', bytes: Buffer.concat(this.#log) };
  }

  async close(): Promise<void> {
    await this.end();
    this.#temporal.close();
    this.#store.close();
  }
}
