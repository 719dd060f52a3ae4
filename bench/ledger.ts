/** What the account of a large table costs: digests of its texts, and a budget that is checked against an equally large release before it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from '../rapt/cache.ts';
import { clientSecret, Ledger, limitsOf, TextCollector, type TextDigests } from '../rapt/ledger/index.ts';
import type { Measurement } from './main.ts';

/** @param args number of texts; default a million. */
export async function ledgerBench(args: readonly string[]): Promise<Measurement> {
  const texts = Number(args[0] ?? 1_000_000);
  const [, ...lines] = readFileSync(join(cacheFolder(), 'datasets', 'movie-reviews', 'train.tsv'), 'utf8').trimEnd().split('\n');
  const folder = mkdtempSync(join(tmpdir(), 'rapt-bench-'));
  try {
    const secret = await clientSecret(folder);
    // Real sentences, made distinct by a number.
    const collect = (prefix: string): TextDigests => {
      const collector = new TextCollector(secret);
      for (let text = 0; text < texts; text++) collector.add(`${prefix}${text} ${lines[text % lines.length]!}`);
      return collector.finish();
    };
    const reserve = async (localKey: string, digests: TextDigests): Promise<number> => {
      const start = performance.now();
      await new Ledger(folder).reserve({
        localKey, tenant: 't', run: 'bench', purpose: 'tuning', mechanism: 'exponential', eta: 14, labelEpsilon: null, table: '', limits: limitsOf({}, { perText: 28 }), texts: () => Promise.resolve(digests),
      });
      return (performance.now() - start) / 1000;
    };
    const start = performance.now();
    const first = collect('');
    const digestSeconds = (performance.now() - start) / 1000;
    await reserve('first', first);
    const checkSeconds = await reserve('again', first);
    const peakRssBytes = process.resourceUsage().maxRSS * 1024;
    return { results: { texts, digestSeconds, checkSeconds, textsPerSecond: Math.round(texts / (digestSeconds + checkSeconds)), peakRssBytes }, ratios: {} };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
