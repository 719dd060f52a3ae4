/** The files in which the ledger keeps the texts' digests of each release. */
import { join } from 'node:path';
import { ErrorKind, RaptError, type Sha256 } from '../../contracts/index.ts';
import { makeFolder, readWritten, sha256Of, writeOnce } from '../../system/index.ts';
import { decodeTexts, encodeTexts, type TextDigests } from './texts.ts';

export class TextFiles {
  /** Of the ledger. */
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Written before the entry that names it. */
  async keep(texts: TextDigests): Promise<Sha256> {
    const bytes = encodeTexts(texts);
    const sha256 = sha256Of(bytes);
    makeFolder(join(this.#folder, 'texts'), 0o700);
    await writeOnce(this.#folder, this.#path(sha256), bytes);
    return sha256;
  }

  /** @throws RaptError corruptArtifact. */
  async read(sha256: Sha256): Promise<TextDigests> {
    const path = this.#path(sha256);
    const bytes = await readWritten(path);
    if (bytes === null || sha256Of(bytes) !== sha256)
      throw new RaptError(
        ErrorKind.corruptArtifact,
        `${path} is missing, or was changed or damaged; restore the ledger from a backup`,
      );
    return decodeTexts(bytes);
  }

  readonly #path = (sha256: Sha256): string => join(this.#folder, 'texts', `${sha256}.bin`);
}
