/** What it costs to release a large table again in another order: each row is found among the rows that were released
 *  before, and its noisy version is taken over. */
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBackbone } from '../rapt/backbone/index.ts';
import { cacheFolder } from '../rapt/cache.ts';
import { inspectTables } from '../rapt/data/index.ts';
import { createMechanism } from '../rapt/privacy/index.ts';
import { drawRelease, EarlierRows, hashInputs, rowsToDraw } from '../rapt/release/index.ts';
import type { Measurement } from './measurement.ts';
import { observe, shownOf } from './observe-work.ts';
import { configOf } from './service.ts';

/** Distance in the table of rows that follow each other in the new order: a prime, and as far as possible from any
 *  simple fraction of the table. */
const STEP = 618_033_989;

/** @param args number of rows; default a million. */
export async function takeoverBench(args: readonly string[]): Promise<Measurement> {
  const rows = Number(args[0] ?? 1_000_000);
  const folder = mkdtempSync(join(tmpdir(), 'rapt-bench-'));
  const secret = new Uint8Array(32);
  const { table, outputIds, tokenizer, description } = await openBackbone('all-MiniLM-L6-v2');
  // Without noise: by what a row is replaced does not matter for finding it again.
  const mechanism = createMechanism({ name: 'none', table, outputIds });
  const draw = async (
    name: string,
    rowAt: (at: number) => number,
    earlier: EarlierRows,
  ): Promise<{
    toDraw: number;
    takenOver: number;
    release: { folder: string; digest: Awaited<ReturnType<typeof drawRelease>>['digest'] };
  }> => {
    const file = join(folder, `${name}.tsv`);
    await writeRows(file, rows, rowAt);
    const config = configOf({ data: { train: file, testFraction: 0.1 }, privacy: { mechanism: 'none' } });
    const inspection = await inspectTables(config.data);
    let toDraw = 0;
    for await (const _ of rowsToDraw({ config, inspection, tokenizer }, earlier)) toDraw++;
    const release = join(folder, name);
    const { digest, takenOver } = await drawRelease({
      config,
      inspection,
      inputs: await hashInputs(inspection.tables),
      backbone: description,
      outputIds,
      folder: release,
      tokenizer,
      mechanism,
      earlier,
    });
    return { toDraw, takenOver, release: { folder: release, digest } };
  };
  try {
    const first = await observe(async () => draw('first', (at) => at, await EarlierRows.open([], secret)));
    process.stderr.write(`drawn in ${first.seconds} s\n`);
    const second = await observe(async () =>
      draw('reordered', (at) => (at * STEP) % rows, await EarlierRows.open([first.value.release], secret)),
    );
    const { toDraw, takenOver } = second.value;
    return {
      results: { rows, first: shownOf(first), reordered: { ...shownOf(second), takenOver, toDraw } },
      ratios: { 'drawing the table for the first time': first.seconds / second.seconds },
    };
  } finally {
    mechanism.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Real sentences, made distinct by their row's number. */
async function writeRows(path: string, rows: number, rowAt: (at: number) => number): Promise<void> {
  const [, ...lines] = readFileSync(join(cacheFolder(), 'datasets', 'movie-reviews', 'train.tsv'), 'utf8')
    .trimEnd()
    .split('\n');
  const file = createWriteStream(path);
  file.write('text\tlabel\n');
  for (let at = 0; at < rows; at++) {
    const row = rowAt(at);
    if (!file.write(`${row} ${lines[row % lines.length]!}\n`)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
}
