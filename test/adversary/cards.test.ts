/** The card beside an adapter was written by the provider's worker. A prediction goes by the owner's own record of the
 *  run: each field that says how texts are privatized is changed here in turn, and nothing is drawn. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { importAdapter, type TunedAdapter } from '../../activities/client/index.ts';
import { OWNERS_WORD } from '../support/owners-word.ts';
import { finishPrediction, preparePrediction } from '../../activities/client/predict.ts';
import {
  BadInput,
  canonicalJson,
  keys,
  parsePredictInput,
  parseTuningConfig,
  type AdapterCard,
  type ArtifactRef,
  type FinishedPrediction,
  type PreparedPrediction,
  type TuningConfig,
} from '../../contracts/index.ts';
import { releaseFolder } from '../../rapt/home.ts';
import { Ledger } from '../../rapt/ledger/index.ts';
import { approve } from '../../rapt/policy/index.ts';
import { tune } from '../../rapt/local/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { minioOfFile } from '../support/minio.ts';
import { writeTinyModel } from '../support/tiny-model.ts';

const folder = temporaryFolder();
const { store } = await minioOfFile();
const backbone = writeTinyModel(join(folder, 'tiny'));
const table = join(folder, 'texts.csv');
writeFileSync(
  table,
  `text,label\n${Array.from(
    { length: 40 },
    (_, row) => `w${5 + row} w${6 + row} ` + `w${7 + row},${row % 2 === 0 ? 'a' : 'b'}`,
  ).join('\n')}\n`,
);
const template = join(folder, 'template');
let card: AdapterCard;

before(async () => {
  const adapter = join(folder, 'adapter');
  await tune(
    {
      data: { train: table },
      backbone,
      tuning: { epochs: 1, pooling: 'pooler', length: 4, reconstruction: false },
      audit: false,
    },
    { adapter, home: join(folder, 'elsewhere') },
  );
  const parsed = parseTuningConfig({ data: { train: table, maxTokens: 30 }, backbone });
  assert.ok(parsed.ok);
  ({ card } = await importAdapter(
    { store, home: template },
    { folder: adapter, run: 'asked', classes: ['a', 'b'], config: parsed.value },
  ));
});

const context = {
  info: {},
  log: { info: () => undefined },
  heartbeat: () => undefined,
  cancellationSignal: new AbortController().signal,
} as unknown as Context;
const asActivity = <T>(work: () => Promise<T>): Promise<T> => asyncLocalStorage.run(context, work);

/** A client that remembers the run, beside whose adapter the provider has put another card. @param keeps whether the
 *  owner has a copy of the right one, as clients of earlier versions have not. */
async function withCard(
  name: string,
  change: Partial<AdapterCard>,
  { keeps }: { keeps: boolean },
): Promise<{ home: string; ask: () => Promise<PreparedPrediction>; spent: () => Promise<number> }> {
  // The one before was another owner's.
  await store.remove(keys.client('local'));
  const home = join(folder, name.replaceAll(/\W+/g, '-'));
  cpSync(template, home, { recursive: true });
  const path = join(home, 'local', 'runs', 'asked', 'import.json');
  const {
    config,
    adapter,
    card: kept,
  } = JSON.parse(readFileSync(path, 'utf8')) as TunedAdapter & { config: TuningConfig };
  const written = await store.put(
    `adapters/local/${'f'.repeat(64)}/${name.replaceAll(/\W+/g, '-')}.json`,
    Buffer.from(canonicalJson({ ...card, ...change })),
  );
  writeFileSync(
    path,
    JSON.stringify({
      config,
      adapter: { ...adapter, files: { ...adapter.files, 'rapt.json': written } },
      ...(keeps && { card: kept }),
    }),
  );
  const asked = {
    tenant: 'local',
    run: 'asked',
    prediction: 'p',
    in: table,
    out: join(home, 'answers.csv'),
    labelColumn: 'label',
  };
  const request = { ...asked, asked, admit: () => Promise.resolve(OWNERS_WORD) };
  return {
    home,
    ask: () => asActivity(() => preparePrediction({ store, home }, request)),
    spent: async () => (await new Ledger(join(home, 'local')).releases()).length,
  };
}

const changes = (): readonly (readonly [field: string, change: Partial<AdapterCard>])[] => [
  ['guarantee.mechanism', { guarantee: { ...card.guarantee, mechanism: 'none', eta: null, private: false } }],
  ['guarantee.eta', { guarantee: { ...card.guarantee, eta: 1000 } }],
  ['guarantee.table', { guarantee: { ...card.guarantee, table: { ...card.guarantee.table, sha256: '0'.repeat(64) } } }],
  ['maxTokens', { maxTokens: 31 }],
  ['pair', { pair: true }],
  ['plain', { plain: { tokensPerRow: 1, vocabulary: [5] } }],
];

for (const [by, keeps] of [
  ["the owner's copy of it", true],
  ['the record of an earlier version', false],
] as const)
  test(`a card that was changed is refused by ${by}, and nothing is drawn`, async () => {
    for (const [field, change] of changes()) {
      const { ask, spent } = await withCard(`${field} ${keeps}`, change, { keeps });
      await assert.rejects(ask(), (error: unknown) => {
        assert.ok(error instanceof BadInput, String(error));
        assert.match(
          error.message,
          /the adapter's card in the store differs from this client's own record of the run in /,
        );
        assert.ok(error.message.includes(field), `${field}: ${error.message}`);
        return true;
      });
      assert.equal(await spent(), 0, field);
    }
  });

test('another list of classes would have the same texts drawn a second time: it is refused', async () => {
  const { ask, spent } = await withCard('classes', { classes: ['a', 'c'] }, { keeps: true });
  await assert.rejects(ask(), /differs from this client's own record of the run in classes/);
  assert.equal(await spent(), 0);
});

test('answers go where the client wrote down, once, whatever comes back with them', async () => {
  const { home, ask, spent } = await withCard('answered', {}, { keeps: true });
  const prepared = await ask();
  const out = join(home, 'answers.csv');
  const answers = (predicted: number): Promise<ArtifactRef> => {
    const rows = Array.from({ length: 40 }, (_, row) => row);
    return store.put(
      `runs/local/p/predictions/${String(predicted).repeat(64)}.json`,
      Buffer.from(
        canonicalJson({
          format: 'rapt-predictions/1',
          rows,
          predicted: rows.map(() => predicted),
          probability: rows.map(() => 1),
        }),
      ),
    );
  };
  const finish = async (change: object, predicted: number): Promise<FinishedPrediction> => {
    const predictions = await answers(predicted);
    return asActivity(() =>
      finishPrediction({ store, home, tenant: 'local' }, { prepared: { ...prepared, ...change }, predictions, out }),
    );
  };
  // Without the owner's word, as when the policy has become stricter since.
  await assert.rejects(finish({}, 0), /in: is not among the tables of the owner's policy/);
  const parsed = parsePredictInput({ run: 'asked', tenant: 'local', in: table, out, labelColumn: 'label' });
  assert.ok(parsed.ok);
  await approve(join(home, 'local'), { type: 'prediction', id: 'p', request: parsed.value });
  const finished = await finish(
    { localKey: '../../../astray', input: { path: '/etc/passwd', text: 'x', label: 'label' } },
    0,
  );
  // 20 of 40 rows, in steps of 0.2.
  assert.deepEqual([finished.rows, finished.accuracy], [40, 0.6]);
  assert.equal(
    existsSync(join(home, 'local', 'releases', prepared.localKey, 'private', 'graded.json')),
    true,
    'what was told of it stands beside its own release',
  );
  assert.equal(existsSync(releaseFolder(home, 'local', '../../../astray')), false);
  assert.deepEqual(await finish({}, 0), finished, 'a repetition');
  await assert.rejects(finish({}, 1), /p already has different answers/);
  assert.equal(await spent(), 1);
});

test('the right card is taken, and the texts leave under the terms of the record', async () => {
  const { ask, spent } = await withCard('right', {}, { keeps: true });
  const { guarantee } = await ask();
  assert.deepEqual([guarantee.mechanism, guarantee.eta, await spent()], ['exponential', 14, 1]);
});
