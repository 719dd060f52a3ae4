/** Texts that are nearly alike count as one text that was released several times. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { locateBackbone, openLocated } from '../../rapt/backbone/index.ts';
import { DEFAULT_BACKBONE } from '../../contracts/index.ts';
import { cacheFolder } from '../../rapt/cache.ts';
import { normalValues, seededStream } from '../../rapt/tuning/index.ts';
import { Families } from '../../rapt/ledger/index.ts';

const SECRET = Buffer.alloc(32, 7);
const { tokenizer } = await openLocated(await locateBackbone(DEFAULT_BACKBONE));

function familiesOf(texts: Iterable<Int32Array>, secret: Uint8Array = SECRET): Promise<number> {
  const families = new Families(secret);
  for (const tokens of texts) families.add(tokens);
  return families.largest();
}

/** So many texts of random tokens; equal seeds give equal texts. */
function randomTexts(count: number, length: number, seed = 1): Int32Array[] {
  const values = normalValues(seededStream(seed, 'texts'), count * length, 1);
  return Array.from({ length: count }, (_, text) =>
    Int32Array.from({ length }, (_, at) => Math.floor(1e6 * Math.abs(values[text * length + at]!)) % 20_000),
  );
}

test('fifty notes that differ in a word are one family of fifty, among others and under whatever key', async () => {
  const names = Array.from(
    { length: 50 },
    (_, at) =>
      ['smith', 'jones', 'weber', 'rossi', 'garcia', 'novak', 'martin', 'silva', 'kim', 'tanaka'][at % 10]! +
      String.fromCharCode(97 + Math.floor(at / 10)),
  );
  const notes = names.map((name) =>
    tokenizer.encode(`The patient ${name} came in with a persistent cough and was sent home with antibiotics.`, 64),
  );
  const others = randomTexts(500, 16);
  for (const key of [1, 2, 3, 4, 5]) {
    assert.equal(await familiesOf([...others, ...notes], Buffer.alloc(32, key)), 50);
    assert.equal(await familiesOf(others, Buffer.alloc(32, key)), 1);
  }
});

test('texts with the same tokens are of one family; texts without tokens are of none', async () => {
  const cut = ['first', 'second', 'third'].map((end) =>
    tokenizer.encode(`a text of which the end is cut off, so that nobody sees that it is the ${end}`, 12),
  );
  assert.equal(await familiesOf(cut), 3);
  assert.equal(await familiesOf([new Int32Array(), new Int32Array()]), 0);
  assert.equal(await familiesOf([Int32Array.of(5), Int32Array.of(5), Int32Array.of(6)]), 2);
  assert.equal(await familiesOf([]), 0);
});

test('a pair is joined as often as the formula says', async () => {
  const P = (J: number): number => 1 - (1 - J ** 4) ** 16 - 16 * J ** 4 * (1 - J ** 4) ** 15;
  const length = 24;
  for (const changed of [1, 3, 5, 8]) {
    const pairs = 150;
    let joined = 0;
    const before = randomTexts(pairs, length, 10 + changed);
    const after = randomTexts(pairs, length, 20 + changed);
    for (let pair = 0; pair < pairs; pair++) {
      // Changed tokens lie apart, so that each is in two pairs of its own.
      const other = before[pair]!.slice();
      for (let at = 0; at < changed; at++) other[3 * at] = after[pair]![at]!;
      if ((await familiesOf([before[pair]!, other], Buffer.from(`key ${pair}`))) === 2) joined++;
    }
    const expected = P((length - 2 * changed) / (length + 2 * changed));
    const error = 4 * Math.sqrt((expected * (1 - expected)) / pairs) + 0.01;
    assert.ok(
      Math.abs(joined / pairs - expected) < error,
      `${changed} changed: ${joined / pairs}, expected ${expected}`,
    );
  }
});

test('the movie reviews have hardly any that are nearly alike, and equal keys find the same', async (t) => {
  const [, ...lines] = readFileSync(join(cacheFolder(), 'datasets', 'movie-reviews', 'train.tsv'), 'utf8')
    .trimEnd()
    .split('\n');
  const texts = lines.map((line) => tokenizer.encode(line.split('\t')[0]!, 64));
  const found = await familiesOf(texts);
  t.diagnostic(`${texts.length} reviews, the largest family has ${found}`);
  // Three are "a pretentious mess"; one of these stands twice.
  assert.ok(found >= 2 && found <= 5, String(found));
  assert.equal(await familiesOf([...texts].reverse()), found);
});

test('fifty thousand texts that have nothing in common are no family', async () => {
  assert.equal(await familiesOf(randomTexts(50_000, 20)), 1);
});
