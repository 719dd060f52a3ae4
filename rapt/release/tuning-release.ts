/** The release that a tuning run trains and tests on. */
import type { ReleaseManifest, TuningConfig } from '../../contracts/index.ts';
import { inspectTables, readSplit, SPLITS } from '../data/index.ts';
import type { Inspection, Row } from '../data/index.ts';
import { draw, type DrawnRelease } from './draw.ts';
import type { DrawOptions } from './draw-options.ts';
import type { EarlierRows } from './earlier-rows.ts';
import type { ReleaseInputs } from './inputs.ts';
import { configuredPlainTokens } from './plain-tokens.ts';
import { ReleaseSpec, type DrawnBy } from './spec.ts';
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
  const { inputs, mechanism } = options;
  const { data, privacy } = options.config;
  const inspection =
    options.inspection ?? (await inspectTables(data, { splitByLabels: privacy.labelEpsilon === undefined }));
  const { tables, rows } = inspection;
  const splits = SPLITS.map((split) => ({ split, rows: rows[split], read: () => readSplit(data, tables, split) }));
  const files = inputs.test === null ? [inputs.train] : [inputs.train, inputs.test];
  const spec = tuningSpec({ ...options, inspection, drawnBy: mechanism.guarantee });
  return draw(spec, splits, files, options);
}

export interface TuningSpecOptions extends Pick<DrawReleaseOptions, 'config' | 'inputs' | 'backbone' | 'outputIds'> {
  readonly inspection: Pick<Inspection, 'classes' | 'classCounts'>;
  readonly drawnBy: DrawnBy;
}

/** What decides the release of a run. */
export function tuningSpec({
  config,
  inputs,
  inspection,
  backbone,
  outputIds,
  drawnBy,
}: TuningSpecOptions): ReleaseSpec {
  const { data, privacy, tenant, tuning } = config;
  return new ReleaseSpec({
    tenant,
    rows: {
      purpose: 'tuning',
      inputs,
      testFraction: data.testFraction,
      limits: { train: data.maxTrainRows ?? null, test: data.maxTestRows ?? null },
    },
    columns: { text: data.textColumn, pair: data.pairColumn, label: data.labelColumn },
    pair: data.pairColumn !== undefined,
    maxTokens: data.maxTokens,
    backbone,
    drawnBy,
    plain: configuredPlainTokens(tuning.reconstruction, outputIds),
    labelEpsilon: privacy.labelEpsilon ?? null,
    classes: inspection.classes,
    classCounts: inspection.classCounts.train,
  });
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
