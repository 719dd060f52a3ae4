/** Tokenizers of each kind that backbones have, small, and built by the package that real ones are read by. */
import { PreTrainedTokenizer } from '@huggingface/transformers';
import type { TokenizerCore, TokenizerSteps } from '../../rapt/backbone/first-tokens.ts';

export interface TinyTokenizer {
  readonly core: TokenizerCore;
  readonly steps: TokenizerSteps;
}

const special = (contents: readonly string[], normalized = false) =>
  contents.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: content.includes('mask') || content === '[MASK]',
    rstrip: false,
    normalized,
    special: true,
  }));

function built(json: TokenizerSteps, config: object = {}): TinyTokenizer {
  const whole = { version: '1.0', post_processor: null, decoder: null, normalizer: null, pre_tokenizer: null, ...json };
  return { core: new PreTrainedTokenizer(whole, config)._tokenizer as TokenizerCore, steps: json };
}

const BERT_SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
const LETTERS = Array.from("abcdefghijklmnopqrstuvwxyz0123456789.,!?'-=<>電影สนุกéσΣ");

/** As BERT's: words of the vocabulary, and letters of which most words can be put together. */
export function wordPiece(lowercase: boolean): TinyTokenizer {
  const words = ['film', 'good', 'goo', 'word', 'the', '##ing', '##s', '##ilm'];
  const vocab = [...BERT_SPECIAL, ...words, ...LETTERS, ...LETTERS.map((letter) => `##${letter}`)];
  return built({
    added_tokens: special(BERT_SPECIAL),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase,
    } as NonNullable<TokenizerSteps['normalizer']>,
    pre_tokenizer: { type: 'BertPreTokenizer' },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocab.map((token, id) => [token, id])),
    } as TokenizerSteps['model'],
  });
}

/** The characters by which BPE of bytes has them, as GPT-2's script maps them. */
function byteCharacters(): string[] {
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}

/** As RoBERTa's. */
export function byteBpe(): TinyTokenizer {
  const characters = byteCharacters();
  const asBytes = (text: string): string[] => Array.from(Buffer.from(text), (byte) => characters[byte]!);
  const merges: [string, string][] = [];
  const vocab = new Set(['<s>', '<pad>', '</s>', '<unk>', '<mask>', ...characters]);
  // Merges as a training would learn them, the shortest first; some contend with others.
  for (const text of [
    ' the',
    ' film',
    'aa',
    'aaaa',
    'ab',
    'ba',
    'bab',
    'good',
    ' good',
    'ood',
    'ing',
    '電',
    '電影',
    'สน',
    '🎬',
    '🎬🎬',
    '  ',
    '12',
    '!!',
    ' !',
  ]) {
    let parts = asBytes(text);
    while (parts.length > 1) {
      const known = parts.findIndex((part, at) => at + 1 < parts.length && vocab.has(part + parts[at + 1]!));
      const at = known < 0 ? 0 : known;
      const pair: [string, string] = [parts[at]!, parts[at + 1]!];
      if (known < 0) {
        merges.push(pair);
        vocab.add(pair.join(''));
      }
      parts = [...parts.slice(0, at), pair.join(''), ...parts.slice(at + 2)];
    }
  }
  return built({
    added_tokens: special(['<s>', '<pad>', '</s>', '<unk>', '<mask>'], true),
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false } as NonNullable<TokenizerSteps['pre_tokenizer']>,
    model: {
      type: 'BPE',
      unk_token: '<unk>',
      vocab: Object.fromEntries([...vocab].map((token, id) => [token, id])),
      merges,
    } as TokenizerSteps['model'],
  });
}

/** As XLM-R's, with its older parting by spaces or its newer one, which leaves a text one word. */
export function unigram(parting: 'WhitespaceSplit' | 'Metaspace'): TinyTokenizer {
  const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' };
  // Equal sums, so that ties are broken; and a token that is worth its price only where another follows.
  const pieces: [string, number][] = [
    ['<s>', 0],
    ['<pad>', 0],
    ['</s>', 0],
    ['<unk>', 0],
    ['<mask>', 0],
    ['▁', -4],
    ['▁the', -5],
    ['▁film', -6],
    ['▁f', -7],
    ['ilm', -7],
    ['a', -3],
    ['aa', -6],
    ['aaa', -9],
    ['ab', -5],
    ['ba', -5],
    ['abab', -9.5],
    ['b', -4],
    ['good', -7],
    ['▁good', -7.5],
    ['go', -6],
    ['od', -6],
    ['o', -5],
    ['電', -5],
    ['影', -5],
    ['電影', -8],
    ['影電', -7.9],
    ['ส', -6],
    ['สน', -8],
    ['นุก', -8.5],
    ['น', -7],
    ['12', -6],
    ['1', -5],
    ['2', -5],
    ['!', -4],
    ['!!', -8],
    ['▁▁', -9],
    ['i', -5],
    ['f', -5],
    ['l', -5],
    ['m', -5],
    ['t', -5],
    ['h', -5],
    ['e', -5],
  ];
  return built(
    {
      added_tokens: special(['<s>', '<pad>', '</s>', '<unk>', '<mask>']),
      normalizer: {
        type: 'Sequence',
        normalizers: [
          { type: 'Precompiled', precompiled_charsmap: '' },
          { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' },
        ],
      } as unknown as NonNullable<TokenizerSteps['normalizer']>,
      pre_tokenizer:
        parting === 'Metaspace'
          ? metaspace
          : { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' }, metaspace] },
      model: { type: 'Unigram', unk_id: 3, vocab: pieces } as TokenizerSteps['model'],
    },
    { eos_token: '</s>' },
  );
}
