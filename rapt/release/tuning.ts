/** The release that a tuning run trains and tests on. */
import type { ReleaseManifest, TuningConfig } from '../../contracts/index.ts';
import { inspectTables, readSplit } from '../data/index.ts';
import type { Inspection } from '../data/index.ts';
import { draw } from './draw.ts';
import type { DrawnRelease, DrawOptions } from './draw.ts';
import type { ReleaseInputs } from './key.ts';

export interface DrawReleaseOptions extends DrawOptions {
  readonly config: TuningConfig;
  /** The tables as they were hashed for the release key; a change since is noticed. */
  readonly inputs: ReleaseInputs;
  /** What the first pass over the tables found. Without it the tables are inspected here. */
  readonly inspection?: Inspection | undefined;
  readonly backbone: ReleaseManifest['backbone'];
  /** The public output vocabulary; plain tokens come from its first `vocabularySize` ids. */
  readonly outputIds: Int32Array;
}

/** Draws, finishes or finds the release of a run. @throws as `draw` and `inspectTables`. */
export async function drawRelease(options: DrawReleaseOptions): Promise<DrawnRelease> {
  const { config, inputs, backbone, outputIds } = options;
  const { data, tenant } = config;
  const { reconstruction } = config.tuning;
  const { tables, classes, classCounts, rows } = options.inspection ?? (await inspectTables(data));
  const spec = {
    tenant,
    backbone,
    classes,
    classCounts: classCounts.train,
    labelEpsilon: config.privacy.labelEpsilon ?? null,
    pair: data.pairColumn !== undefined,
    maxTokens: data.maxTokens,
    plain:
      reconstruction === false
        ? (false as const)
        : { tokensPerRow: reconstruction.plainTokens, vocabulary: outputIds.slice(0, reconstruction.vocabularySize) },
  };
  const splits = (['train', 'test'] as const).map((split) => ({ split, rows: rows[split], read: () => readSplit(data, tables, split) }));
  const files = inputs.test === null ? [inputs.train] : [inputs.train, inputs.test];
  return draw(spec, splits, files, options);
}
