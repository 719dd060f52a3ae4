/** What a vocabulary of 250,002 tokens costs, as large as XLM-R's: calibration, privatizing, the tightest eta, attacks.
 *  Each part runs in a process of its own, so that its memory can be measured. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Measurement } from './measurement.ts';
import { DIMENSIONS, writeTable, writeTexts } from './synthetic-vocabulary.ts';

const PART = fileURLToPath(new URL('vocabulary-part.ts', import.meta.url));
const ROWS = 250_002;
const TEXTS = 100_000;

export interface PartOptions {
  readonly folder: string;
  /** The eta that was calibrated. */
  readonly eta: number;
}

/** @param args number of tokens of the vocabulary, and of texts; default 250,002 and 100,000. */
export async function vocabularyBench(args: readonly string[]): Promise<Measurement> {
  const rows = Number(args[0] ?? ROWS);
  const texts = Number(args[1] ?? TEXTS);
  const folder = mkdtempSync(join(tmpdir(), 'rapt-bench-'));
  try {
    writeTable(join(folder, 'table.f32'), rows);
    const tokens = await writeTexts(join(folder, 'texts.csv'), rows, texts);
    const calibrate = await part<{ exponential: { eta: number } }>('calibrate', { folder, eta: 0 });
    const options = { folder, eta: calibrate.exponential.eta };
    const privatize = await part('privatize', options);
    const again = await part('privatizeAgain', options);
    const tightest = await part('tightest', options);
    const audit = await part('audit', options);
    return {
      results: {
        vocabulary: { rows, dimensions: DIMENSIONS },
        texts,
        tokens,
        calibrate,
        privatize,
        'privatize, tables kept by an attempt before': again,
        tightest,
        audit,
      },
      ratios: {},
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function part<T>(name: string, options: PartOptions): Promise<T> {
  const env = { ...process.env, RAPT_CACHE: join(options.folder, 'cache'), RAPT_HOME: join(options.folder, 'home') };
  const child = spawn(process.execPath, ['--import', 'tsx', PART, name, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${name} ended with ${code}`);
  process.stderr.write(`${name}: ${stdout}\n`);
  return JSON.parse(stdout) as T;
}
