import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseTuningConfig, type TuningOptions } from '../../../contracts/index.ts';
import { Encoder, readFrameIds, type FrameIds } from '../../../rapt/backbone/index.ts';
import { permutation, seededStream, type Examples, type Parameters } from '../../../rapt/tuning/index.ts';
import { initialParameters } from '../../../rapt/tuning/parameters.ts';
import { TINY, writeTinyModel } from '../../support/tiny-model.ts';

export const PLAIN_VOCABULARY = 12;
export const CLASSES = 3;

export interface TinySetup {
  readonly encoder: Encoder;
  readonly frame: FrameIds;
  readonly remove: () => void;
}

export function tinySetup(): TinySetup {
  const folder = mkdtempSync(join(tmpdir(), 'rapt-tiny-'));
  writeTinyModel(folder);
  return {
    encoder: new Encoder(folder),
    frame: readFrameIds(folder),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

export function options(tuning: Record<string, unknown>): TuningOptions {
  const parsed = parseTuningConfig({ tuning });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.value.tuning;
}

/** Rows of different lengths whose class is readable from their first token. */
export function tinyExamples(count: number, o: { pair?: boolean; plain?: number; seed?: number } = {}): Examples {
  const { pair = false, plain = 3, seed = 1 } = o;
  const stream = seededStream(seed, 'examples');
  const next = (below: number): number => permutation(stream, below)[0]!;
  const labels = Int32Array.from({ length: count }, () => next(CLASSES));
  const ragged = (first: (row: number) => number) => {
    const lists = Array.from({ length: count }, (_, row) => [
      first(row),
      ...Array.from({ length: next(9) }, () => 20 + next(TINY.vocabulary - 20)),
    ]);
    return {
      offsets: Int32Array.from([0, ...lists.map((_, row) => lists.slice(0, row + 1).flat().length)]),
      ids: Int32Array.from(lists.flat()),
    };
  };
  const targets = Int32Array.from({ length: count * plain }, () => next(PLAIN_VOCABULARY));
  return {
    count,
    text: ragged((row) => 5 + labels[row]!),
    pair: pair ? ragged(() => 30) : null,
    plain:
      plain > 0
        ? { perRow: plain, noisyIds: targets.map((target) => (next(4) === 0 ? 40 : 10 + target)), targets }
        : null,
    labels,
    labelNoise: null,
    rows: Int32Array.from({ length: count }, (_, row) => row),
  };
}

export const firstParameters = (encoder: Encoder, tuning: TuningOptions): Parameters =>
  initialParameters({
    config: encoder.config,
    classes: CLASSES,
    reconstructionVocabulary: PLAIN_VOCABULARY,
    options: tuning,
  });
