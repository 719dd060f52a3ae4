import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { cachedJson, cachedNumbers } from '../../rapt/cache.ts';
import { temporaryFolder } from '../support/folder.ts';
import { runProgram } from '../support/stack.ts';

const child = fileURLToPath(new URL('cache-child.ts', import.meta.url));

test('when several processes want the same value, one makes it and all get it', async () => {
  const env = { ...process.env, RAPT_CACHE: temporaryFolder() };
  const ask = () => runProgram(process.execPath, ['--import', 'tsx', child], env);
  const answers = (await Promise.all([ask(), ask(), ask()])).map(
    ({ stdout }) => JSON.parse(stdout) as { value: { maker: number }; made: number },
  );
  assert.equal(
    answers.reduce((sum, { made }) => sum + made, 0),
    1,
  );
  assert.equal(new Set(answers.map(({ value }) => value.maker)).size, 1);
  assert.equal((JSON.parse((await ask()).stdout) as { made: number }).made, 0);
});

test('a value whose file was changed, cut short or emptied is made again', async () => {
  const folder = temporaryFolder();
  process.env['RAPT_CACHE'] = folder;
  try {
    let made = 0;
    const numbers = () =>
      cachedNumbers('numbers.f64', 3, Float64Array, () => Promise.resolve(Float64Array.of(1, 2, ++made)));
    const json = () => cachedJson('value.json', () => Promise.resolve({ made: ++made }));
    assert.deepEqual(
      [await numbers(), await json(), await numbers(), await json()],
      [Float64Array.of(1, 2, 1), { made: 2 }, Float64Array.of(1, 2, 1), { made: 2 }],
    );
    const damages: ((bytes: Buffer) => Buffer)[] = [
      (bytes) => bytes.fill(0),
      (bytes) => bytes.subarray(0, -1),
      (bytes) => Buffer.alloc(0 * bytes.length),
      // As the first versions kept it.
      (bytes) => bytes.subarray(0, -32),
      (bytes) => Buffer.concat([Buffer.from([bytes[0]! ^ 1]), bytes.subarray(1)]),
    ];
    for (const damage of damages) {
      for (const file of ['numbers.f64', 'value.json'])
        writeFileSync(join(folder, file), damage(readFileSync(join(folder, file))));
      const before = made;
      assert.deepEqual([(await numbers())[2], (await json()).made], [before + 1, before + 2]);
      assert.deepEqual([(await numbers())[2], (await json()).made], [before + 1, before + 2]);
    }
  } finally {
    delete process.env['RAPT_CACHE'];
  }
});
