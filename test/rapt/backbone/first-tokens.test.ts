/** The first tokens of a text, found in its beginning, are those of the whole text. */
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { loadTokenizer } from '../../../rapt/backbone/index.ts';
import { FirstTokens, type TokenizerCore } from '../../../rapt/backbone/first-tokens.ts';
import { cacheFolder } from '../../../rapt/cache.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { byteBpe, unigram, wordPiece, type TinyTokenizer } from '../../support/tiny-tokenizers.ts';

const TEXTS = 400;
const LONG = 64;

/** What texts are put together from: all that a normalizer, a parting or a model might look across. */
const PARTS = [
  ' ',
  ' ',
  ' ',
  '  ',
  '\n',
  '\t',
  '\r\n',
  '\u00a0',
  '\u200b',
  '\u3000',
  '\u0000',
  '\u2028',
  ' '.repeat(40),
  'film',
  ' the',
  'good',
  'a',
  'aa',
  'b',
  'ab',
  'abab',
  '12',
  '7',
  '.',
  ',',
  '!!',
  "'s",
  "'",
  "don't",
  '-',
  '=\u0338',
  '<',
  '>',
  '~',
  '\uff5e',
  '電',
  '電影',
  '影',
  'สนุก',
  'น',
  '🎬',
  '🎬🎬',
  '👩‍👩‍👧',
  '\u0301',
  'e\u0301',
  'é',
  '\u0338',
  'ﬁ',
  'ﬃ',
  '㍍',
  '가',
  '\u1100\u1161\u11a8',
  'Σ',
  'ΟΔΟΣ',
  'σ',
  'İ',
  '\ud83c',
  '\udfac',
  '\ufffd',
  '[SEP]',
  '[MASK]',
  '<mask>',
  '<s>',
  '[',
  'SEP',
  's>',
  '\ufe0f',
  '…',
];

/** Texts of many parts, of few, of one part over and over, and of words without an end. */
function* texts(seed: number, count = TEXTS): Generator<string> {
  // An added token may take the spaces before it with it.
  yield `${' '.repeat(150)}${'<mask>'.repeat(60)}${'[MASK]'.repeat(60)}`;
  const random = xoroshiro128plus(seed);
  const upTo = (most: number): number => uniformInt(random, 0, most - 1);
  for (let text = 0; text < count; text++) {
    const kind = upTo(5);
    const parts =
      kind < 2
        ? PARTS
        : kind === 2
          ? PARTS.filter((part) => !/\s/.test(part))
          : Array.from({ length: kind === 3 ? 2 : 1 }, () => PARTS[upTo(PARTS.length)]!);
    const made = Array.from({ length: 30 + upTo(500) }, () => parts[upTo(parts.length)]!);
    for (let more = upTo(4); more > 0; more--)
      made.splice(upTo(made.length), 0, PARTS[upTo(PARTS.length)]!.repeat(1 + upTo(300)));
    yield made.join('');
  }
}

/** Counts what the tokenizer is asked to read. */
function counting(core: TokenizerCore): { core: TokenizerCore; read: () => number } {
  let units = 0;
  const counted = Object.create(core, {
    encode: {
      value: (text: string, options: Parameters<TokenizerCore['encode']>[1]) => (
        (units += text.length),
        core.encode(text, options)
      ),
    },
  }) as TokenizerCore;
  return { core: counted, read: () => units };
}

describe('the first tokens of a text', () => {
  const kinds: readonly (readonly [string, TinyTokenizer])[] = [
    ['WordPiece', wordPiece(true)],
    ['cased WordPiece', wordPiece(false)],
    ['BPE of bytes', byteBpe()],
    ['Unigram by spaces', unigram('WhitespaceSplit')],
    ['Unigram of whole texts', unigram('Metaspace')],
  ];
  for (const [name, { core, steps }] of kinds)
    it(`are those of the whole: ${name}`, (t) => {
      let shortened = 0;
      for (const text of texts(7)) {
        const whole = core.encode(text, { add_special_tokens: false }).ids;
        const { core: counted, read } = counting(core);
        const first = new FirstTokens(counted, steps, { long: LONG });
        for (const most of [1, 5, 40])
          assert.deepEqual(first.encode(text, most), whole.slice(0, most), JSON.stringify([most, text]));
        if (read() < 2 * text.length) shortened++;
      }
      t.diagnostic(`${shortened} of ${TEXTS} texts were not read to their end`);
      // Where a text holds an added token, or repeats itself, all of it is read.
      assert.ok(shortened > TEXTS / 4, `${shortened} texts were cut`);
    });

  it('are those of the whole: the tokenizer of MiniLM', async () => {
    // In a folder of its own: the package keeps what it has loaded by its name.
    const folder = join(temporaryFolder(), 'MiniLM');
    cpSync(join(cacheFolder(), 'backbones', 'all-MiniLM-L6-v2'), folder, {
      recursive: true,
      filter: (path) => !path.endsWith('.safetensors'),
    });
    const tokenizer = await loadTokenizer(folder);
    const encode = (text: string, most: number): Int32Array => tokenizer.encode(text, most);
    for (const text of texts(11, 60)) {
      // Of so many tokens that the whole text is read.
      const whole = encode(text.repeat(20), text.length * 20);
      assert.deepEqual(encode(text.repeat(20), 64), whole.subarray(0, 64), JSON.stringify(text));
    }
  });

  const endless: readonly (readonly [string, string])[] = [
    ['words', 'a film to remember, '],
    ['a letter', 'x'],
    ['letters and digits', 'a8Zk3Q'],
    ['Chinese', '這部電影很好看'],
    ['Thai', 'ภาพยนตร์เรื่องนี้สนุกมาก'],
    ['emoji', '🎬👍'],
    ['signs', '≠±'],
    ['spaces', ' '],
    ['lines', '\n'],
    ['accents', 'e\u0301'],
    ['nothing', '\u0000'],
    ['joiners', '\u200d '],
  ];
  for (const [name, { core, steps }] of kinds)
    for (const [what, part] of endless)
      it(`of millions of characters cost no more than those of some thousand: ${name}, ${what}`, () => {
        const textOf = (units: number): string => `film ${part.repeat(Math.ceil(units / part.length))}. the end`;
        const { core: counted, read } = counting(core);
        const ids = new FirstTokens(counted, steps).encode(textOf(3_000_000), 64);
        assert.ok(read() < 100_000, `${read()} units were read`);
        assert.deepEqual(ids, core.encode(textOf(6000), { add_special_tokens: false }).ids.slice(0, 64));
      });
});
