import type { ReleaseManifest } from '../../contracts/index.ts';
import { outputVocabulary, type EmbeddingTable } from '../privacy/index.ts';
import { loadEmbeddingTable } from './embeddings.ts';
import { locateBackbone } from './locate.ts';
import { loadTokenizer, type Tokenizer } from './tokenizer.ts';

/** What privatizing needs of a backbone: its tokenizer and its public embedding table. The model itself is not loaded. */
export interface PublicBackbone {
  readonly tokenizer: Tokenizer;
  /** The public input embeddings, in which distances are measured. */
  readonly table: EmbeddingTable;
  /** The tokens that a mechanism may answer. */
  readonly outputIds: Int32Array;
  /** As a release's manifest names it. */
  readonly description: ReleaseManifest['backbone'];
}

/** Opens a backbone's public part: by a folder, by the name that set-up gave it ("all-MiniLM-L6-v2"), or by its hub name, which is fetched once.
 *  @throws RaptError notFound with the way out. */
export async function openBackbone(name: string): Promise<PublicBackbone> {
  const files = await locateBackbone(name);
  const tokenizer = await loadTokenizer(files.folder);
  const table = loadEmbeddingTable(files.folder);
  return {
    tokenizer,
    table,
    outputIds: outputVocabulary(tokenizer.tokens, tokenizer.specialIds),
    description: { name: files.name, sha256: files.sha256, hiddenSize: table.dimensions, vocabularySize: table.rows },
  };
}
