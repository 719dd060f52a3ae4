/** What attacks are compared with: what somebody knows who has not seen the release, and apart from it what the release
 *  tells at a glance. A guess that had looked at the release would make every attack beside it look harmless. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { audit } from '../../rapt/attacks/index.ts';
import { createMechanism, seededRandom } from '../../rapt/privacy/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { randomTable, range } from '../rapt/privacy/embedding-tables.ts';

const ROWS = 200;
const ETA = 14;
const outputIds = range(5, ROWS);
const table = randomTable(ROWS, 6);
process.env['RAPT_CACHE'] = temporaryFolder();

/** Half of the texts' tokens are one that Zipf's law thinks rare, and some are the one that it thinks the most
 *  frequent. */
const [RARE, FIRST, SPOKEN] = [153, 5, 92];
const plain = Array.from({ length: 200 }, (_, text) => Int32Array.from({ length: 10 }, (__, at) => tokenAt(text, at)));

function tokenAt(text: number, at: number): number {
  if (at < 5) return RARE;
  return at === 5 ? FIRST : at < 8 ? SPOKEN : 5 + ((text + at) % 195);
}

const share = (...ids: number[]): number =>
  plain.flatMap((ids) => [...ids]).filter((id) => ids.includes(id)).length / 2000;

/** Of each attack: what is told without the release, and by its most frequent token alone. */
async function blindOf(
  released: readonly Int32Array[],
  publicTexts: readonly Int32Array[],
): Promise<Record<string, number[]>> {
  const { attacks } = await audit({
    table,
    outputIds,
    mechanism: 'exponential',
    eta: ETA,
    attacks: ['inversion', 'bayes', 'context'],
    plain,
    released,
    release: Int32Array.from(released.flatMap((ids) => [...ids])),
    pairs: null,
    attributes: [],
    publicTexts,
  });
  return Object.fromEntries(attacks.map((one) => [one.attack, [one.priorOnly.value, one.mostFrequent!.value]]));
}

test('without the release nothing of it is known, and its most frequent token stands beside', async () => {
  const mechanism = createMechanism({ name: 'exponential', eta: ETA, table, outputIds, random: seededRandom(4) });
  const released = plain.map((text) => mechanism.privatize(text));
  mechanism.dispose();
  const blind = await blindOf(released, []);
  for (const name of ['inversion', 'bayes', 'context'])
    assert.deepEqual(blind[name], [share(FIRST), share(RARE)], name);
  for (const name of ['inversionTop10', 'bayesTop10']) assert.equal(blind[name]![0], share(...range(5, 15)), name);
  assert.ok(blind['bayesTop10']![1]! >= share(RARE, SPOKEN), 'the ten most frequent');
  // Public text moves the one, another release the other.
  const speech = Array.from({ length: 5000 }, () => Int32Array.of(SPOKEN));
  assert.deepEqual((await blindOf(released, speech))['bayes'], [share(SPOKEN), share(RARE)]);
  const other = plain.map((text) => new Int32Array(text.length).fill(SPOKEN));
  assert.deepEqual((await blindOf(other, []))['bayes'], [share(FIRST), share(SPOKEN)]);
});
