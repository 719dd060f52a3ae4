import { createHash } from 'node:crypto';
import { BadInput } from '../../contracts/index.ts';
import type { EmbeddingTable } from '../privacy/index.ts';
import { atOnce, inTurns, type Work } from '../turns.ts';
import { readBackboneConfig } from './backbone-config.ts';
import { readingWordEmbeddings } from './weights.ts';

/** Values that are checked and hashed before others get their turn. */
const PIECE_VALUES = 2 ** 22;

/** The public input embeddings phi of a model folder: what the privacy mechanisms measure distances in.
 *  @throws BadInput when the table is not as config.json says, or a value of it is no number. */
export const loadEmbeddingTable = (folder: string): EmbeddingTable => atOnce(loading(folder));

/** As `loadEmbeddingTable`, with turns for others: the table of a large vocabulary has some hundreds of megabytes. */
export const loadEmbeddingTableInTurns = (folder: string): Promise<EmbeddingTable> => inTurns(loading(folder));

function* loading(folder: string): Work<EmbeddingTable> {
  const { values, shape } = yield* readingWordEmbeddings(folder, readBackboneConfig(folder));
  const [rows, dimensions] = shape as [number, number];
  const hash = createHash('sha256');
  for (let at = 0; at < values.length; at += PIECE_VALUES) {
    const piece = values.subarray(at, at + PIECE_VALUES);
    const strange = firstStrange(piece);
    if (strange >= 0)
      throw new BadInput([
        {
          where: folder,
          problem:
            `row ${Math.floor((at + strange) / dimensions)} of its embedding table ` +
            'holds a value that is no finite number, so that distances have no meaning; ' +
            'fetch the model again, or save it in float32',
        },
      ]);
    hash.update(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
    yield;
  }
  return { values, rows, dimensions, sha256: hash.digest('hex') };
}

/** Place of the first value that is no finite number, or -1. A plain loop: large tables have 200 million values. */
function firstStrange(values: Float32Array): number {
  for (let at = 0; at < values.length; at++) if (!Number.isFinite(values[at])) return at;
  return -1;
}
