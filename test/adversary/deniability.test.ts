/** Plausible deniability is told with every report. Whoever reads it holds the public table and can work out each
 *  token's own figures, so that a figure which depends on the texts names the tokens that stand in them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Deniability } from '../../contracts/index.ts';
import { audit } from '../../rapt/attacks/index.ts';
import { createMechanism } from '../../rapt/privacy/index.ts';
import { randomTable, range } from '../rapt/privacy/embedding-tables.ts';
import { temporaryFolder } from '../support/folder.ts';

process.env['RAPT_CACHE'] = temporaryFolder();
const ROWS = 700;
const table = randomTable(ROWS, 12);
const outputIds = range(9, ROWS);

async function toldOf(
  name: 'exponential' | 'laplace',
  eta: number,
  plain: readonly Int32Array[],
): Promise<Deniability> {
  const mechanism = createMechanism({ name, eta, table, outputIds });
  const released = plain.map((text) => mechanism.privatize(text));
  mechanism.dispose();
  const release = Int32Array.from(released.flatMap((text) => [...text]));
  const options = {
    table,
    outputIds,
    mechanism: name,
    eta,
    plain,
    released,
    release,
    pairs: null,
    publicTexts: [],
    attributes: [],
  };
  return (await audit({ ...options, attacks: ['deniability'] })).deniability!;
}

const PRIVATE_TABLES: Readonly<Record<string, readonly Int32Array[]>> = {
  'one word, three times': [Int32Array.of(77, 77, 77)],
  'another word': [Int32Array.of(301)],
  'three texts of different words': [range(20, 30), range(400, 460), Int32Array.of(5, 699)],
};

describe('deniability is a function of public things', () => {
  for (const [name, eta] of [
    ['exponential', 12],
    ['laplace', 30],
  ] as const)
    it(`${name}: whatever the private table holds, the same is told`, async () => {
      const [first, ...others] = await Promise.all(
        Object.values(PRIVATE_TABLES).map((plain) => toldOf(name, eta, plain)),
      );
      for (const other of others) assert.deepEqual(other, first);
      // And of more than a few tokens: the quantiles of one token are one number.
      assert.equal(first!.types, 256);
      assert.ok(
        first!.staysItself.p05 < first!.staysItself.p50 && first!.staysItself.p50 < first!.staysItself.p95,
        'one token',
      );
    });

  it('depends on eta, which is public as well', async () => {
    const [plain] = Object.values(PRIVATE_TABLES);
    assert.ok(
      (await toldOf('exponential', 6, plain!)).staysItself.p50 <
        (await toldOf('exponential', 12, plain!)).staysItself.p50,
      'eta',
    );
  });
});
