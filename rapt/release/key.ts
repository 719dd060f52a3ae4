/** The name of a release's folder: equal inputs and settings always find the release that exists, so it is never drawn
 *  twice. */
import { createHmac } from 'node:crypto';
import { canonicalJson, ErrorKind, RaptError } from '../../contracts/index.ts';
import type { Sha256, TuningConfig } from '../../contracts/index.ts';
import { hashTable, versionOf, type TableColumns, type Tables } from '../data/index.ts';

/** A file that a release is drawn from, as it was when it was hashed. */
export interface InputFile {
  readonly path: string;
  readonly sha256: Sha256;
  /** Changes with the file's content, and costs no reading. */
  readonly version: string;
}

export interface ReleaseInputs {
  readonly train: InputFile;
  /** Null when the test rows are held out of the training table. */
  readonly test: InputFile | null;
}

/** Hashes a run's tables. */
export async function hashInputs(tables: Tables): Promise<ReleaseInputs> {
  return { train: await hashInput(tables.train), test: tables.test === null ? null : await hashInput(tables.test) };
}

export async function hashInput(path: string): Promise<InputFile> {
  const { sha256, version } = await hashTable(path);
  await assertUnchanged({ path, sha256, version });
  return { path, sha256, version };
}

/** @throws RaptError badInput when the file is not the one that was hashed. */
export async function assertUnchanged({ path, version }: InputFile): Promise<void> {
  if ((await versionOf(path)) === version) return;
  throw new RaptError(
    ErrorKind.badInput,
    `${path}: changed while it was being privatized; nothing was sent. Start the run again when the file is complete`,
  );
}

/** What decides, besides the texts, what is drawn. */
export interface DrawnWith {
  /** As the mechanism uses it, after calibration; null for `none`. */
  readonly eta: number | null;
  readonly backboneSha256: Sha256;
}

/** 32 hexadecimal digits, a function of the tables' contents, the columns, limits and split, the mechanism with its
 *  eta, the backbone, the plain tokens and the tenant; not of paths, and not of how the release is then trained on. The
 *  key crosses to the provider as a name. It is a keyed digest, since a plain one would let anybody who guesses the
 *  content of a table confirm the guess. @param secret this client's own, from `clientSecret`. */
export function releaseKey(
  config: TuningConfig,
  inputs: ReleaseInputs,
  drawnWith: DrawnWith,
  secret: Uint8Array,
): string {
  const { data, privacy, tenant } = config;
  const { reconstruction } = config.tuning;
  const determinants = {
    format: 'rapt-release/1',
    tenant,
    train: inputs.train.sha256,
    test: inputs.test === null ? { heldOut: data.testFraction } : inputs.test.sha256,
    columns: { text: data.textColumn, pair: data.pairColumn ?? null, label: data.labelColumn },
    limits: { train: data.maxTrainRows ?? null, test: data.maxTestRows ?? null, tokens: data.maxTokens },
    mechanism: { name: privacy.mechanism, eta: drawnWith.eta },
    ...(privacy.labelEpsilon === undefined ? {} : { labelEpsilon: privacy.labelEpsilon }),
    backbone: drawnWith.backboneSha256,
    plain:
      reconstruction === false
        ? false
        : { tokens: reconstruction.plainTokens, vocabulary: reconstruction.vocabularySize },
  };
  return keyedDigest(determinants, secret);
}

/** Names the privatized table that these settings write there: a try that was killed finds what the one before has paid
 *  for. The output is part of it, since two tables made side by side are two noisy versions. @param number of the
 *  version, from 0. */
export function fileKey(
  o: {
    tenant: string;
    input: InputFile;
    output: string;
    columns: TableColumns;
    maxTokens: number;
    mechanism: string;
    eta: number | null;
    table: string;
    number: number;
  },
  secret: Uint8Array,
): string {
  const {
    input,
    columns: { text, pair, label },
    ...settings
  } = o;
  return keyedDigest(
    {
      format: 'rapt-file/1',
      ...settings,
      input: input.sha256,
      columns: { text, pair: pair ?? null, label: label ?? null },
    },
    secret,
  );
}

/** 32 hexadecimal digits of HMAC-SHA256 over the canonical JSON. */
export function keyedDigest(determinants: object, secret: Uint8Array): string {
  return createHmac('sha256', secret).update(canonicalJson(determinants)).digest('hex').slice(0, 32);
}
