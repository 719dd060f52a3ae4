/** The release that a tuning run trains and tests on. */
import type { ReleaseManifest, TuningConfig } from '../../contracts/index.ts';
import { inspectTables, readSplit, SPLITS } from '../data/index.ts';
import type { Inspection, Row } from '../data/index.ts';
import { draw } from './draw.ts';
import type { DrawnRelease, DrawOptions, ReleaseSpec } from './draw.ts';
import type { EarlierRows, VersionSpec } from './earlier.ts';
import type { ReleaseInputs } from './key.ts';
import { keptTokens } from './truncate.ts';

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
  const { inputs } = options;
  const { data, privacy } = options.config;
  const inspection =
    options.inspection ?? (await inspectTables(data, { splitByLabels: privacy.labelEpsilon === undefined }));
  const { tables, rows } = inspection;
  const splits = SPLITS.map((split) => ({ split, rows: rows[split], read: () => readSplit(data, tables, split) }));
  const files = inputs.test === null ? [inputs.train] : [inputs.train, inputs.test];
  return draw(releaseSpec({ ...options, inspection }), splits, files, options);
}

function releaseSpec({
  config,
  inspection,
  backbone,
  outputIds,
}: Pick<DrawReleaseOptions, 'config' | 'backbone' | 'outputIds'> & { readonly inspection: Inspection }): ReleaseSpec {
  const { data, tenant } = config;
  const { reconstruction } = config.tuning;
  return {
    tenant,
    backbone,
    classes: inspection.classes,
    classCounts: inspection.classCounts.train,
    labelEpsilon: config.privacy.labelEpsilon ?? null,
    pair: data.pairColumn !== undefined,
    maxTokens: data.maxTokens,
    plain:
      reconstruction === false
        ? false
        : { tokensPerRow: reconstruction.plainTokens, vocabulary: outputIds.slice(0, reconstruction.vocabularySize) },
  };
}

/** What a release must have been drawn with for this one to take rows over from it. */
export function versionSpec(
  options: Parameters<typeof releaseSpec>[0],
  guarantee: VersionSpec['guarantee'],
): VersionSpec {
  const { tenant, classes, pair, maxTokens, plain, labelEpsilon, backbone } = releaseSpec(options);
  return {
    tenant,
    classes: [...classes],
    pair,
    maxTokens,
    labelEpsilon,
    guarantee,
    plain: plain === false ? false : { tokensPerRow: plain.tokensPerRow, vocabulary: [...plain.vocabulary] },
    backboneSha256: backbone.sha256,
  };
}

/** The rows of a release that were not released before: those that it has to pay for. In the release's order. @throws
 *  BadInput as `readTable`. */
export async function* rowsToDraw(
  {
    config,
    inspection,
    tokenizer,
  }: Pick<DrawReleaseOptions, 'config' | 'tokenizer'> & { readonly inspection: Inspection },
  earlier: EarlierRows,
): AsyncGenerator<Row> {
  const find = earlier.finder(config.privacy.labelEpsilon !== undefined);
  for (const split of SPLITS)
    for await (const row of readSplit(config.data, inspection.tables, split))
      if (earlier.size === 0 || find(row, split, keptTokens(row, tokenizer, config.data.maxTokens)).place === null)
        yield row;
}
