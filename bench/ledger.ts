/** What it costs to account for a large table: digests of its texts, families of texts that are nearly alike, and a
 *  budget that is checked against an equally large release before. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_BACKBONE } from '../contracts/index.ts';
import { locateBackbone, openBackbone } from '../rapt/backbone/index.ts';
import { cacheFolder } from '../rapt/cache.ts';
import {
  clientSecret,
  Families,
  Ledger,
  limitsOf,
  runsBudget,
  TextCollector,
  type DrawnTexts,
} from '../rapt/ledger/index.ts';
import type { Measurement } from './measurement.ts';

/** @param args number of texts; default a million. */
export async function ledgerBench(args: readonly string[]): Promise<Measurement> {
  const texts = Number(args[0] ?? 1_000_000);
  const [, ...lines] = readFileSync(join(cacheFolder(), 'datasets', 'movie-reviews', 'train.tsv'), 'utf8')
    .trimEnd()
    .split('\n');
  const folder = mkdtempSync(join(tmpdir(), 'rapt-bench-'));
  try {
    const secret = await clientSecret(folder);
    // Real sentences, made distinct by a number.
    const collect = (): DrawnTexts['digests'] => {
      const collector = new TextCollector(secret);
      for (let text = 0; text < texts; text++) collector.add(`${text} ${lines[text % lines.length]!}`);
      return collector.finish();
    };
    const { tokenizer } = await openBackbone((await locateBackbone(DEFAULT_BACKBONE)).folder);
    const encoded = lines.map((line) => tokenizer.encode(line, 64));
    // As above: each round of the sentences has tokens of its own.
    const alike = async (): Promise<number> => {
      const families = new Families(secret);
      for (let text = 0; text < texts; text++)
        families.add(encoded[text % lines.length]!.map((token) => token + 40_000 * Math.floor(text / lines.length)));
      return families.largest();
    };
    const reserve = async (localKey: string, digests: DrawnTexts['digests']): Promise<number> => {
      const start = performance.now();
      await new Ledger(folder).reserve({
        localKey,
        tenant: 't',
        run: 'bench',
        purpose: 'tuning',
        mechanism: 'exponential',
        eta: 14,
        labelEpsilon: null,
        table: '',
        limits: limitsOf(runsBudget({ perText: 28 })),
        texts: () => Promise.resolve({ digests }),
      });
      return (performance.now() - start) / 1000;
    };
    const start = performance.now();
    const first = collect();
    const digestSeconds = (performance.now() - start) / 1000;
    const familyStart = performance.now();
    const largestFamily = await alike();
    const familySeconds = (performance.now() - familyStart) / 1000;
    await reserve('first', first);
    const checkSeconds = await reserve('again', first);
    const peakRssBytes = process.resourceUsage().maxRSS * 1024;
    return {
      results: {
        texts,
        digestSeconds,
        familySeconds,
        largestFamily,
        checkSeconds,
        textsPerSecond: Math.round(texts / (digestSeconds + familySeconds + checkSeconds)),
        peakRssBytes,
      },
      ratios: {},
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
