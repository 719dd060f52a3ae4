import { join } from 'node:path';
import { BadInput, type ReleaseManifest } from '../../contracts/index.ts';
import { outputVocabulary, type EmbeddingTable } from '../privacy/index.ts';
import { readBackboneConfig } from './backbone-config.ts';
import { loadEmbeddingTableInTurns } from './embeddings.ts';
import { locateBackbone, type BackboneFiles } from './locate.ts';
import { TOKENIZER_FILE } from './model-files.ts';
import { loadTokenizer, type Tokenizer } from './tokenizer.ts';
import { modelProblems } from './weights.ts';

/** What privatizing needs of a backbone: its tokenizer and its public embedding table. The model itself is not
 *  loaded. */
export interface PublicBackbone {
  readonly tokenizer: Tokenizer;
  /** The public input embeddings, in which distances are measured. */
  readonly table: EmbeddingTable;
  /** The tokens that a mechanism may answer. */
  readonly outputIds: Int32Array;
  /** As a release's manifest names it. */
  readonly description: ReleaseManifest['backbone'];
}

/** Opens a backbone's public part: by a folder, by the name that set-up gave it ("all-MiniLM-L6-v2"), or by its hub
 *  name, which is fetched once. It also checks that the whole model can be read, so that nothing is privatized for a
 *  model that will be refused.
 *  @throws RaptError notFound with the way out; BadInput naming what of the model does not fit. */
export async function openBackbone(name: string): Promise<PublicBackbone> {
  return openLocated(await locateBackbone(name));
}

/** As `openBackbone`, for files that were found already. */
export async function openLocated(files: Pick<BackboneFiles, 'name' | 'folder' | 'sha256'>): Promise<PublicBackbone> {
  const problems = modelProblems(files.folder, readBackboneConfig(files.folder));
  if (problems.length > 0) throw new BadInput(problems);
  const tokenizer = await loadTokenizer(files.folder);
  const table = await loadEmbeddingTableInTurns(files.folder);
  assertCovers(files.folder, tokenizer, table);
  return {
    tokenizer,
    table,
    outputIds: outputVocabulary(tokenizer.tokens, tokenizer.specialIds),
    description: { name: files.name, sha256: files.sha256, hiddenSize: table.dimensions, vocabularySize: table.rows },
  };
}

/** A token beyond the table has no embedding: its distances would be NaN, and it would get no noise. @throws BadInput
 *  with both numbers. */
function assertCovers(folder: string, { tokens }: Tokenizer, { rows }: EmbeddingTable): void {
  if (tokens.length <= rows) return;
  const beyond = tokens.length - rows;
  throw new BadInput([
    {
      where: join(folder, TOKENIZER_FILE),
      problem:
        `has ${tokens.length} tokens, and the model's embedding table has ${rows} rows: ` +
        `${beyond === 1 ? 'the last token has' : `the last ${beyond} tokens have`} no embedding; ` +
        'give the tokenizer that the model was saved with, or save the model after `resize_token_embeddings`',
    },
  ]);
}
