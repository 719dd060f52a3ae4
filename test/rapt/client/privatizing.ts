/** As much of a backbone and a mechanism as privatizing a table asks for. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PublicBackbone } from '../../../rapt/backbone/index.ts';
import type { Mechanism } from '../../../rapt/privacy/index.ts';
import { guarantee, replacing, tokenizer } from '../release/fakes.ts';

export const backbone = {
  tokenizer: { ...tokenizer, decode: (ids: ArrayLike<number>) => Array.from(ids).join(' ') },
  table: { sha256: guarantee.table.sha256 },
} as unknown as PublicBackbone;

/** @param delayMs by how much each batch is slowed down. */
export const mechanismOf = (delayMs = 0): Mechanism =>
  ({ name: 'exponential', eta: 14, ...replacing(delayMs), keepTables }) as unknown as Mechanism;

async function keepTables(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, String(process.pid)), '');
}
