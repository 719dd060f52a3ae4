/** Privatizing a long file: how memory grows with its length, and how fast the mechanism is beside its formula as a
 *  softmax. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { loadEmbeddingTable, loadTokenizer, locateBackbone } from '../rapt/backbone/index.ts';
import { cacheFolder } from '../rapt/cache.ts';
import { createMechanism, outputVocabulary, systemRandom, uniform } from '../rapt/privacy/index.ts';
import { tf, tidy, type Tensor2D } from '../rapt/tensorflow.ts';
import type { Measurement } from './measurement.ts';

const PROGRAM = fileURLToPath(new URL('../bin/rapt.mjs', import.meta.url));
const ETA = 14;
const PEER_TOKENS = 4096;

interface Privatized {
  readonly rows: number;
  readonly tokens: number;
  readonly tokensPerSecond: number;
  readonly peakRssBytes: number;
}

/** @param args numbers of sentences; default 100,000 and a million. */
export async function privatizeBench(args: readonly string[]): Promise<Measurement> {
  const lengths = args.length > 0 ? args.map(Number) : [100_000, 1_000_000];
  const folder = mkdtempSync(join(tmpdir(), 'rapt-bench-'));
  try {
    const runs: Record<string, Privatized> = {};
    for (const rows of lengths) {
      const input = join(folder, 'sentences.tsv');
      await writeSentences(input, rows);
      runs[`${rows} sentences`] = await privatize(input, join(folder, `${rows}.csv`));
    }
    const { rapt, peer } = await againstFormula();
    return { results: { runs, mechanismTokensPerSecond: { rapt, formula: peer } }, ratios: { formula: rapt / peer } };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Real short sentences, over and over. */
async function writeSentences(path: string, rows: number): Promise<void> {
  const lines: string[] = [];
  for await (const line of createInterface({
    input: createReadStream(join(cacheFolder(), 'datasets', 'movie-reviews', 'train.tsv')),
  }))
    lines.push(line.split('\t')[0]!);
  const file = createWriteStream(path);
  file.write('text\n');
  for (let row = 0; row < rows; row++)
    if (!file.write(`${lines[1 + (row % (lines.length - 1))]!}\n`)) await once(file, 'drain');
  file.end();
  await once(file, 'close');
}

async function privatize(input: string, output: string): Promise<Privatized> {
  const child = spawn(
    process.execPath,
    [PROGRAM, 'privatize', '--in', input, '--out', output, '--eta', String(ETA), '--json'],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, RAPT_HOME: dirname(input) } },
  );
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`rapt privatize ended with ${code}`);
  return JSON.parse(stdout) as Privatized;
}

/** The peer: the same closed form as a softmax over distances, drawn by its cumulative sums, a batch of tokens at a
 *  time on TensorFlow. */
async function againstFormula(): Promise<{ rapt: number; peer: number }> {
  const { folder } = await locateBackbone('all-MiniLM-L6-v2');
  const tokenizer = await loadTokenizer(folder);
  const table = loadEmbeddingTable(folder);
  const outputIds = outputVocabulary(tokenizer.tokens, tokenizer.specialIds);
  const text = readFileSync(join(cacheFolder(), 'datasets', 'movie-reviews', 'test.tsv'), 'utf8');
  const ids = tokenizer.encode(text, PEER_TOKENS);
  const mechanism = createMechanism({ name: 'exponential', eta: ETA, table, outputIds });
  mechanism.privatize(ids.subarray(0, 256));
  const rapt = rate(ids.length, () => mechanism.privatize(ids));
  mechanism.dispose();

  const all = tf.tensor2d(table.values, [table.rows, table.dimensions]);
  const outputs = tf.gather<Tensor2D>(all, tf.tensor1d(outputIds, 'int32'));
  const squares = tf.sum(tf.square(outputs), 1);
  const draw = (batch: Int32Array): void => {
    const sums = tidy(() => {
      const x: Tensor2D = tf.gather(all, tf.tensor1d(batch, 'int32'));
      const square = tf.add(
        tf.sub(squares, tf.mul(2, tf.matMul(x, outputs, false, true))),
        tf.sum(tf.square(x), 1, true),
      );
      return tf.cumsum(tf.softmax(tf.mul(-ETA / 2, tf.sqrt(tf.relu(square)))), 1);
    });
    const values = sums.dataSync<'float32'>();
    sums.dispose();
    for (let row = 0; row < batch.length; row++) {
      const drawn = uniform(systemRandom) * values[(row + 1) * outputIds.length - 1]!;
      let output = row * outputIds.length;
      while (values[output]! < drawn) output++;
    }
  };
  draw(ids.subarray(0, 64));
  const peer = rate(ids.length, () => {
    for (let at = 0; at < ids.length; at += 64) draw(ids.subarray(at, at + 64));
  });
  return { rapt, peer };
}

function rate(tokens: number, body: () => void): number {
  const start = performance.now();
  body();
  return Math.round(tokens / ((performance.now() - start) / 1000));
}
