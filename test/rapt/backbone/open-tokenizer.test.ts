/** A Unigram tokenizer that was opened without the package's tree is the package's own. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { PreTrainedTokenizer } from '@huggingface/transformers';
import type { TokenizerCore } from '../../../rapt/backbone/first-tokens.ts';
import { openTokenizer } from '../../../rapt/backbone/open-tokenizer.ts';
import type { UnigramModel } from '../../../rapt/backbone/unigram.ts';
import { seededRandom, uniformInteger } from '../../../rapt/privacy/index.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { unigram } from '../../support/tiny-tokenizers.ts';

const TEXTS = 300;
const PARTS = [
  'film',
  'good',
  'go',
  'od',
  'aaaa',
  'ab',
  'abab',
  '電影',
  '影電',
  'สนุก',
  '12',
  '!!',
  ' ',
  '  ',
  '<s>',
  '<mask>',
  '<extra>',
  '🎬',
  'é',
  '\ud83c',
  '▁',
  '\n',
];
const CONFIG = { tokenizer_class: 'XLMRobertaTokenizerFast', eos_token: '</s>', mask_token: '<mask>' };
const folder = temporaryFolder();

function* texts(): Generator<string> {
  const random = seededRandom(3);
  for (let text = 0; text < TEXTS; text++)
    yield Array.from(
      { length: 1 + uniformInteger(random, 30) },
      () => PARTS[uniformInteger(random, PARTS.length)]!,
    ).join('');
}

interface Core extends TokenizerCore {
  readonly model: TokenizerCore['model'] & UnigramModel;
}

for (const parting of ['WhitespaceSplit', 'Metaspace'] as const)
  describe(`Unigram parted by ${parting}`, async () => {
    const { steps } = unigram(parting);
    // One token beyond the vocabulary, as people add them.
    const added = [...steps.added_tokens!, { ...steps.added_tokens![0]!, id: 60, content: '<extra>' }];
    const json = { version: '1.0', post_processor: null, decoder: null, ...steps, added_tokens: added };
    const at = join(folder, parting);
    mkdirSync(at);
    writeFileSync(join(at, 'tokenizer.json'), JSON.stringify(json));
    writeFileSync(join(at, 'tokenizer_config.json'), JSON.stringify(CONFIG));
    const whole = new PreTrainedTokenizer(json, CONFIG)._tokenizer as Core;
    const opened = (await openTokenizer(at)).tokenizer._tokenizer as Core;

    it('has the same vocabulary, ids and scores', () => {
      // What it was given is not what it has.
      const partsOf = ({ model }: Core): object => ({ ...model, trie: null, config: null });
      assert.notEqual(opened.model.trie.constructor, whole.model.trie.constructor);
      assert.deepEqual(partsOf(opened), partsOf(whole));
      assert.deepEqual(
        (opened as unknown as { added_tokens: unknown }).added_tokens,
        (whole as unknown as { added_tokens: unknown }).added_tokens,
      );
    });

    it('finds the same tokens at each place of a text, and makes the same ids of it', () => {
      for (const text of texts()) {
        const characters = Array.from(text);
        for (let place = 0; place < characters.length; place++)
          assert.deepEqual(
            [...opened.model.trie.common_prefix_search(characters, place)],
            [...whole.model.trie.common_prefix_search(characters, place)],
            text,
          );
        const ids = (core: Core): number[] => core.encode(text, { add_special_tokens: false }).ids;
        assert.deepEqual(ids(opened), ids(whole), text);
      }
    });
  });
