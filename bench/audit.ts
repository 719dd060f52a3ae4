/** What it costs to attack a large release: each of its tokens, by every attack that needs no table. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { audit } from '../rapt/attacks/index.ts';
import { openBackbone } from '../rapt/backbone/index.ts';
import { cacheFolder } from '../rapt/cache.ts';
import { createMechanism, systemRandom, uniformInteger } from '../rapt/privacy/index.ts';
import { joinIds } from '../rapt/release/index.ts';
import type { Measurement } from './measurement.ts';

const ETA = 14;
const MAX_TOKENS = 64;
const PLAIN_PAIRS = 100_000;
const PLAIN_VOCABULARY = 7630;

/** @param args number of texts; default a million. */
export async function auditBench(args: readonly string[]): Promise<Measurement> {
  const texts = Number(args[0] ?? 1_000_000);
  const [, ...lines] = readFileSync(join(cacheFolder(), 'datasets', 'movie-reviews', 'train.tsv'), 'utf8')
    .trimEnd()
    .split('\n');
  const { table, outputIds, tokenizer } = await openBackbone('all-MiniLM-L6-v2');
  const mechanism = createMechanism({ name: 'exponential', eta: ETA, table, outputIds });
  // Real sentences, over and over: the cost of an attack does not depend on what the tokens say.
  const encoded = lines.slice(0, texts).map((line) => tokenizer.encode(line.split('\t')[0]!, MAX_TOKENS));
  const noisy = encoded.map((ids) => mechanism.privatize(ids));
  const plain = Array.from({ length: texts }, (_, text) => encoded[text % encoded.length]!);
  const released = Array.from({ length: texts }, (_, text) => noisy[text % noisy.length]!);
  const vocabulary = outputIds.slice(0, PLAIN_VOCABULARY);
  const pairs = Int32Array.from(
    { length: PLAIN_PAIRS },
    () => vocabulary[uniformInteger(systemRandom, vocabulary.length)]!,
  );
  const pairsNoisy = mechanism.privatize(pairs);
  mechanism.dispose();

  const seconds: Record<string, number> = {};
  const begin = performance.now();
  let since = begin;
  let current = 'channel and prior';
  const lap = (next: string): void => {
    const now = performance.now();
    seconds[current] = (now - since) / 1000;
    [since, current] = [now, next];
    process.stderr.write(`${next}\n`);
  };
  const result = await audit({
    table,
    outputIds,
    mechanism: 'exponential',
    eta: ETA,
    plain,
    released,
    onAttack: lap,
    attributes: [],
    publicTexts: [],
    attacks: ['inversion', 'bayes', 'learned', 'context', 'masked', 'deniability'],
    release: joinIds(released),
    pairs: { plain: pairs, noisy: pairsNoisy, vocabulary },
  });
  lap('done');
  const total = (performance.now() - begin) / 1000;
  return {
    results: {
      texts,
      tokens: result.tokens,
      seconds,
      totalSeconds: total,
      tokensPerSecond: Math.round(result.tokens / total),
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
    },
    ratios: {},
  };
}
