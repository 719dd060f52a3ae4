/** Runs one part of the bench of a large vocabulary in this process. Its arguments are the name of the part, and the
 *  part's options as JSON. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { audit } from '../rapt/attacks/index.ts';
import {
  Calibrator,
  createMechanismInTurns,
  seededRandom,
  tightestEta,
  uniformInteger,
} from '../rapt/privacy/index.ts';
import { joinIds, privatizeTable } from '../rapt/release/index.ts';
import { inTurns } from '../rapt/turns.ts';
import { observe, shownOf, type Observed } from './observe-work.ts';
import { readTable, tokenizer } from './synthetic-vocabulary.ts';
import type { PartOptions } from './vocabulary.ts';

const UNCHANGED = 0.5;
const ATTACKED_TOKENS = 20_000;
const PAIRS = 5000;
const PAIR_VOCABULARY = 7630;
/** When the computation of the tightest eta, and the attacks, are cancelled. */
const CANCELLED_AFTER_MS = [1000, 5000, 15_000];

const [name, json] = process.argv.slice(2) as [string, string];
const { folder, eta } = JSON.parse(json) as PartOptions;
const { table, outputIds } = readTable(join(folder, 'table.f32'));

async function calibrate(): Promise<unknown> {
  const calibrated: Record<string, unknown> = {};
  for (const mechanism of ['exponential', 'laplace'] as const) {
    const { value, ...seen } = await observe(async () => {
      const calibrator = await inTurns(Calibrator.open(table, outputIds));
      const found = await inTurns(calibrator.calibrating(mechanism, UNCHANGED));
      calibrator.dispose();
      return found;
    });
    calibrated[mechanism] = { ...value, ...seen };
  }
  return calibrated;
}

async function privatize(output: string): Promise<unknown> {
  const { value, ...seen } = await observe(async () => {
    const mechanism = await createMechanismInTurns({ name: 'exponential', eta, table, outputIds });
    const start = performance.now();
    const done = await privatizeTable({
      input: join(folder, 'texts.csv'),
      output: join(folder, output),
      columns: { text: 'text' },
      tokenizer,
      mechanism,
      maxTokens: 64,
      reserve: () => mechanism.keepTables(join(folder, 'tables')),
    });
    mechanism.dispose();
    return { ...done, tokensPerSecond: Math.round(done.tokens / ((performance.now() - start) / 1000)) };
  });
  return { ...value, ...seen };
}

/** Times from the request to end to the end. */
async function cancelled(work: (signal: AbortSignal) => Promise<unknown>): Promise<number[]> {
  const latenciesMs: number[] = [];
  for (const afterMs of CANCELLED_AFTER_MS) {
    const stop = new AbortController();
    const working = work(stop.signal).then(
      () => false,
      () => true,
    );
    await wait(afterMs);
    const asked = performance.now();
    stop.abort();
    if (await working) latenciesMs.push(Math.round(performance.now() - asked));
  }
  return latenciesMs;
}

async function tightest(): Promise<unknown> {
  const cancelLatencyMs = await cancelled((signal) => tightestEta(eta, table, outputIds, { signal }));
  const seen = await observe(() =>
    tightestEta(eta, table, outputIds, {
      onProgress: (done) => process.stderr.write(`tightest eta: ${Math.round(100 * done)} %\n`),
    }),
  );
  return { eta, tightest: seen.value, ...shownOf(seen), cancelLatencyMs };
}

async function attacks(): Promise<unknown> {
  const plain: Int32Array[] = [];
  for await (const line of createInterface({ input: createReadStream(join(folder, 'texts.csv')) }))
    if (line !== 'text') plain.push(tokenizer.encode(line, 64));
  const released: Int32Array[] = [];
  for await (const line of createInterface({ input: createReadStream(join(folder, 'noisy.jsonl')) }))
    released.push(Int32Array.from((JSON.parse(line) as { input_ids: number[] }).input_ids));
  const every = Math.ceil(joinIds(released).length / ATTACKED_TOKENS);
  const sampled = (texts: Int32Array[]): Int32Array[] => texts.filter((_, row) => row % every === 0);
  const random = seededRandom(5);
  const vocabulary = outputIds.slice(0, PAIR_VOCABULARY);
  const mechanism = await createMechanismInTurns({ name: 'exponential', eta, table, outputIds });
  const pairs = Int32Array.from({ length: PAIRS }, () => vocabulary[uniformInteger(random, vocabulary.length)]!);
  const noisy = await mechanism.privatizeInTurns(pairs);
  mechanism.dispose();
  const secondsOf: Record<string, number> = {};
  let [since, current] = [performance.now(), 'channel and prior'];
  const lap = (next: string): void => {
    const now = performance.now();
    secondsOf[current] = Math.round((now - since) / 100) / 10;
    [since, current] = [now, next];
    process.stderr.write(`${next}\n`);
  };
  const options = {
    table,
    outputIds,
    mechanism: 'exponential',
    eta,
    plain: sampled(plain),
    released: sampled(released),
    release: joinIds(released),
    attributes: [],
    publicTexts: [],
    attacks: ['inversion', 'bayes', 'learned', 'context', 'masked', 'deniability'],
    pairs: { plain: pairs, noisy, vocabulary },
  } as const;
  const cancelLatencyMs = await cancelled((signal) => audit({ ...options, signal }));
  [since, current] = [performance.now(), 'channel and prior'];
  const seen: Observed & { value: Awaited<ReturnType<typeof audit>> } = await observe(() =>
    audit({ ...options, onAttack: lap }),
  );
  lap('');
  return {
    tokens: seen.value.tokens,
    ...shownOf(seen),
    secondsOf,
    cancelLatencyMs,
    success: Object.fromEntries(
      seen.value.attacks.map(({ attack, success }) => [attack, Math.round(1000 * success.value) / 1000]),
    ),
  };
}

const PARTS: Readonly<Record<string, () => Promise<unknown>>> = {
  calibrate,
  privatize: () => privatize('noisy.jsonl'),
  privatizeAgain: () => privatize('again.jsonl'),
  tightest,
  audit: attacks,
};

PARTS[name]!().then(
  (result) => process.stdout.write(JSON.stringify(result)),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  },
);
