/** The files that a release is drawn from. */
import { ErrorKind, RaptError, type Sha256 } from '../../contracts/index.ts';
import { hashTable, versionOf, type Tables } from '../data/index.ts';

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
