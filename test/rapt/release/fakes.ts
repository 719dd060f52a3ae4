/** A tokenizer and mechanisms small enough to reason about: a word "w17" is token 17, any other word token 0. */
import { randomInt } from 'node:crypto';
import type { Guarantee, Sha256, TuningConfig } from '../../../contracts/index.ts';
import { inspectTables } from '../../../rapt/data/index.ts';
import { drawRelease, hashInputs, type DrawnRelease, type DrawReleaseOptions } from '../../../rapt/release/index.ts';

export const VOCABULARY_SIZE = 1000;
/** Tokens that the replacing mechanism gives out; texts made of the other ones leave no token of theirs behind. */
export const FIRST_OUTPUT = 500;

export const outputIds = Int32Array.from(
  { length: VOCABULARY_SIZE - FIRST_OUTPUT },
  (_, index) => FIRST_OUTPUT + index,
);

export const tokenizer = {
  encode: (text: string, maxTokens: number): Int32Array =>
    Int32Array.from(
      text.split(/\s+/).filter((word) => word !== ''),
      (word) => Number(/^w(\d+)$/.exec(word)?.[1] ?? 0),
    ).subarray(0, maxTokens),
};

const quantiles = { p05: 1, p50: 1, p95: 1 };
export const guarantee: Guarantee = {
  mechanism: 'exponential',
  private: true,
  eta: 14,
  numericalSlack: 0,
  numericalDelta: 0,
  tightestEta: null,
  table: {
    sha256: 'c'.repeat(64),
    rows: VOCABULARY_SIZE,
    dimensions: 2,
    outputTokens: outputIds.length,
    norm: quantiles,
    neighbourDistance: quantiles,
  },
  neighbourLogRatio: quantiles,
  expectedUnchanged: 0,
  statement: 'a test',
  covered: [],
  notCovered: [],
};

const BATCH_TOKENS = 8192;

type TestMechanism = DrawReleaseOptions['mechanism'];

/** Replaces every token by a fresh random output token. @param delayMs by how much each batch is slowed down */
export function replacing(delayMs = 0): TestMechanism {
  return {
    guarantee,
    batchTokens: BATCH_TOKENS,
    privatizeInTurns: (ids) => {
      if (delayMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, delayMs);
      return Promise.resolve(ids.map(() => randomInt(FIRST_OUTPUT, VOCABULARY_SIZE)));
    },
  };
}

export const identity: TestMechanism = {
  guarantee: {
    ...guarantee,
    mechanism: 'none',
    private: false,
    eta: null,
    numericalSlack: null,
    neighbourLogRatio: null,
    expectedUnchanged: null,
  },
  batchTokens: BATCH_TOKENS,
  privatizeInTurns: (ids) => Promise.resolve(ids.slice()),
};

export const backbone = {
  name: 'test',
  sha256: 'd'.repeat(64) as Sha256,
  hiddenSize: 2,
  vocabularySize: VOCABULARY_SIZE,
};

/** The release of a configuration's tables by these, as they are. */
export async function drawFake(config: TuningConfig, folder: string): Promise<DrawnRelease> {
  const inspection = await inspectTables(config.data, { splitByLabels: config.privacy.labelEpsilon === undefined });
  const inputs = await hashInputs(inspection.tables);
  return drawRelease({
    config,
    inspection,
    inputs,
    folder,
    tokenizer,
    mechanism: identity,
    outputIds,
    backbone,
    rowsPerShard: 512,
  });
}
