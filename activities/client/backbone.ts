import type { ReleaseManifest } from '../../contracts/index.ts';
import { loadEmbeddingTable, loadTokenizer, locateBackbone, type Tokenizer } from '../../rapt/backbone/index.ts';
import { outputVocabulary, type EmbeddingTable } from '../../rapt/privacy/index.ts';

/** What privatizing needs of a backbone: its tokenizer and its public embedding table. The model itself is not loaded. */
export interface PublicBackbone {
  readonly tokenizer: Tokenizer;
  readonly table: EmbeddingTable;
  readonly outputIds: Int32Array;
  /** As a release's manifest names it. */
  readonly description: ReleaseManifest['backbone'];
}

/** @throws RaptError notFound with the way out. */
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
