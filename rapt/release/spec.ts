/** What decides a release: the one list of it. The release's name, what its manifest says of its settings, and whether
 *  rows of an earlier release may be taken over are all made of this list. */
import { createHmac } from 'node:crypto';
import {
  canonicalJson,
  type Guarantee,
  type LabelNoise,
  type ReleaseManifest,
  type Shard,
} from '../../contracts/index.ts';
import type { TableColumns } from '../data/index.ts';
import { withLabelNoise } from '../privacy/index.ts';
import type { InputFile, ReleaseInputs } from './inputs.ts';
import { writtenPlainTokens, type PlainTokens } from './plain-tokens.ts';

/** The mechanism that draws the tokens, with the eta that it has after calibration. */
export interface DrawnBy extends Pick<Guarantee, 'mechanism' | 'private' | 'eta'> {
  /** Of the embeddings that give eta its meaning. */
  readonly table: Pick<Guarantee['table'], 'sha256'>;
}

/** The rows of one or two tables that a run trains and tests on. */
export interface TuningRows {
  readonly purpose: 'tuning';
  readonly inputs: ReleaseInputs;
  /** Share of the training table that is held out where there is no test table. */
  readonly testFraction: number;
  /** The most rows of each split; null for all. */
  readonly limits: { readonly train: number | null; readonly test: number | null };
}

/** All rows of a table that an adapter is asked about. Their labels are not read. */
export interface PredictionRows {
  readonly purpose: 'prediction';
  readonly input: InputFile;
}

/** What decides the noisy version of a text, whatever it is drawn for. */
interface TextSettings {
  readonly tenant: string;
  readonly columns: TableColumns;
  /** Kept of each row. */
  readonly maxTokens: number;
}

export interface ReleaseSettings extends TextSettings {
  readonly rows: TuningRows | PredictionRows;
  /** Whether rows hold two texts. */
  readonly pair: boolean;
  readonly backbone: ReleaseManifest['backbone'];
  readonly drawnBy: DrawnBy;
  readonly plain: PlainTokens | false;
  /** Under which training labels are drawn; null lets them leave as they are. */
  readonly labelEpsilon: number | null;
  /** In label order. */
  readonly classes: readonly string[];
  /** Training rows of each class, before labels are drawn. */
  readonly classCounts: readonly number[];
}

/** What is known of a release when its last shard is finished. */
export interface DrawnShards {
  /** Of the tokens. */
  readonly guarantee: Guarantee;
  /** Null where labels leave as they are. */
  readonly labelNoise: LabelNoise | null;
  readonly rows: ReleaseManifest['rows'];
  /** With the number of rows of each class, in training shards whose labels were drawn. */
  readonly shards: readonly (Shard & { readonly classCounts?: readonly number[] })[];
}

/** Whether an earlier release holds what would be drawn now. */
export type Fit = 'fits' | 'has other classes' | 'does not fit';

export class ReleaseSpec {
  readonly settings: ReleaseSettings;

  constructor(settings: ReleaseSettings) {
    this.settings = settings;
  }

  /** The name of the release's folder: equal inputs and settings always find the release that exists, so it is never
   *  drawn twice. 32 hexadecimal digits, a function of the tables' contents, the columns, limits and split, the
   *  mechanism with its eta, the backbone, the plain tokens and the tenant; not of paths, and not of how the release is
   *  then trained on. The key crosses to the provider as a name. It is a keyed digest, since a plain one would let
   *  anybody who guesses the content of a table confirm the guess. @param secret this client's own, from
   *  `clientSecret`. */
  toKey(secret: Uint8Array): string {
    const { tenant, backbone, drawnBy, rows } = this.settings;
    const determinants = {
      format: 'rapt-release/1',
      tenant,
      backbone: backbone.sha256,
      mechanism: { name: drawnBy.mechanism, eta: drawnBy.eta },
      ...(rows.purpose === 'tuning' ? this.#ofTuning(rows) : this.#ofPrediction(rows)),
    };
    return keyedDigest(determinants, secret);
  }

  #ofTuning({ inputs, testFraction, limits }: TuningRows): object {
    const { columns, maxTokens, labelEpsilon, plain } = this.settings;
    return {
      train: inputs.train.sha256,
      test: inputs.test === null ? { heldOut: testFraction } : inputs.test.sha256,
      columns: { text: columns.text, pair: columns.pair ?? null, label: columns.label },
      limits: { ...limits, tokens: maxTokens },
      ...(labelEpsilon !== null && { labelEpsilon }),
      plain: plain !== false && { tokens: plain.tokensPerRow, vocabulary: plain.vocabularySize },
    };
  }

  #ofPrediction({ input }: PredictionRows): object {
    const { columns, maxTokens, plain, classes } = this.settings;
    return {
      predict: input.sha256,
      columns: { text: columns.text, pair: columns.pair ?? null },
      tokens: maxTokens,
      plain: writtenPlainTokens(plain),
      classes,
    };
  }

  /** Depends on the finished shards and the settings only, so that a release that was interrupted gets the manifest of
   *  one that was not. */
  toManifest({ guarantee, labelNoise, rows, shards }: DrawnShards): ReleaseManifest {
    const { classes, classCounts } = this.settings;
    const drawnCount = (label: number): number => sum(shards.map((shard) => shard.classCounts?.[label] ?? 0));
    return {
      format: 'rapt-release/1',
      ...this.#stated(),
      classCounts: labelNoise === null ? [...classCounts] : classes.map((_, label) => drawnCount(label)),
      ...(labelNoise !== null && { labelNoise }),
      guarantee: labelNoise === null ? guarantee : withLabelNoise(guarantee, labelNoise),
      rows,
      tokens: sum(shards.map(({ tokens }) => tokens)),
      shards: shards.map(({ file, split, rows: count, tokens, sha256, sizeBytes }) => ({
        file,
        split,
        rows: count,
        tokens,
        sha256,
        sizeBytes,
      })),
    };
  }

  /** Whether rows of the release with this manifest may be taken over: they are then what would be drawn now. */
  fits(manifest: ReleaseManifest): Fit {
    const { drawnBy, labelEpsilon, classes } = this.settings;
    const epsilonBefore = manifest.labelNoise?.epsilon ?? null;
    const before = versionSettings(manifest, manifest.guarantee, epsilonBefore);
    const wanted = versionSettings(this.#stated(), drawnBy, labelEpsilon);
    if (canonicalJson(before) !== canonicalJson(wanted)) return 'does not fit';
    // A drawn label is one of the classes that it was drawn among. One that leaves as it is can be numbered anew.
    const mayDiffer = labelEpsilon === null;
    return mayDiffer || canonicalJson(manifest.classes) === canonicalJson(classes) ? 'fits' : 'has other classes';
  }

  /** As the manifest states them. */
  #stated(): Pick<ReleaseManifest, 'tenant' | 'backbone' | 'classes' | 'pair' | 'maxTokens' | 'plain'> {
    const { tenant, backbone, classes, pair, maxTokens, plain } = this.settings;
    return { tenant, backbone, classes: [...classes], pair, maxTokens, plain: writtenPlainTokens(plain) };
  }
}

/** What decides a row's noisy version, besides the row and the classes. */
const versionSettings = (
  {
    tenant,
    backbone,
    pair,
    maxTokens,
    plain,
  }: Pick<ReleaseManifest, 'tenant' | 'backbone' | 'pair' | 'maxTokens' | 'plain'>,
  { mechanism, private: isPrivate, eta, table }: DrawnBy,
  labelEpsilon: number | null,
): object => ({
  tenant,
  backbone: backbone.sha256,
  pair,
  maxTokens,
  plain,
  drawnBy: { mechanism, private: isPrivate, eta, table: table.sha256 },
  labelEpsilon,
});

/** What decides a table that is privatized into another one. */
export interface FileSettings extends TextSettings {
  readonly input: InputFile;
  readonly output: string;
  readonly drawnBy: Pick<DrawnBy, 'mechanism' | 'eta' | 'table'>;
}

/** Names the privatized table that these settings write there: a try that was killed finds what the one before has paid
 *  for. The output is part of it, since two tables made side by side are two noisy versions. @param number of the
 *  version, from 0. */
export function fileKey(settings: FileSettings, number: number, secret: Uint8Array): string {
  const { tenant, input, output, columns, maxTokens, drawnBy } = settings;
  const determinants = {
    format: 'rapt-file/1',
    tenant,
    input: input.sha256,
    output,
    columns: { text: columns.text, pair: columns.pair ?? null, label: columns.label ?? null },
    maxTokens,
    mechanism: drawnBy.mechanism,
    eta: drawnBy.eta,
    table: drawnBy.table.sha256,
    number,
  };
  return keyedDigest(determinants, secret);
}

/** 32 hexadecimal digits of HMAC-SHA256 over the canonical JSON. */
function keyedDigest(determinants: object, secret: Uint8Array): string {
  return createHmac('sha256', secret).update(canonicalJson(determinants)).digest('hex').slice(0, 32);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
