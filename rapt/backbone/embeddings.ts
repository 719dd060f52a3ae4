import { createHash } from 'node:crypto';
import type { Sha256 } from '../../contracts/index.ts';
import type { EmbeddingTable } from '../privacy/index.ts';
import { readBackboneConfig } from './config.ts';
import { readWordEmbeddings } from './weights.ts';

/** The public input embeddings phi of a model folder: what the privacy mechanisms measure distances in. */
export function loadEmbeddingTable(folder: string): EmbeddingTable {
  const { values, shape } = readWordEmbeddings(folder, readBackboneConfig(folder).family);
  const [rows, dimensions] = shape as [number, number];
  const sha256 = createHash('sha256')
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex') as Sha256;
  return { values, rows, dimensions, sha256 };
}
