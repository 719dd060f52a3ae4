/** Labels of the test rows. They stay in the release's private folder: the client scores with them, nobody else sees
 *  them. */
import { existsSync } from 'node:fs';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { writeOnce } from '../../system/index.ts';
import { testLabelsFile } from './layout.ts';

export interface LocalLabels {
  /** Row numbers, as in the shards and in the same order. */
  readonly rows: Int32Array;
  /** Class numbers; -1 for a row without a label. */
  readonly labels: Int32Array;
}

export class LabelCollector {
  readonly #rows: number[] = [];
  readonly #labels: number[] = [];

  add(row: number, label: number | null): void {
    this.#rows.push(row);
    this.#labels.push(label ?? -1);
  }

  async write(folder: string): Promise<void> {
    if (this.#labels.every((label) => label < 0)) return;
    const bytes = parquetWriteBuffer({
      columnData: [
        { name: 'row', data: Int32Array.from(this.#rows) },
        { name: 'label', data: Int32Array.from(this.#labels) },
      ],
      createdBy: 'rapt',
    });
    await writeOnce(folder, testLabelsFile(folder), new Uint8Array(bytes));
  }
}

/** The test labels of a release on this client. @throws RaptError notFound when it has none. */
export async function readLocalLabels(folder: string): Promise<LocalLabels> {
  const path = testLabelsFile(folder);
  if (!existsSync(path))
    throw new RaptError(ErrorKind.notFound, `${path} does not exist: this release has no test labels on this machine`);
  const records = (await parquetReadObjects({ file: await asyncBufferFromFile(path) })) as {
    row: number;
    label: number;
  }[];
  return { rows: Int32Array.from(records, ({ row }) => row), labels: Int32Array.from(records, ({ label }) => label) };
}
