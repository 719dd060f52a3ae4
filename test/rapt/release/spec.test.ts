/** Names and manifests of releases, as they stand on the disks of clients: they must never change. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  canonicalJson,
  tuningConfigSchema,
  type AdapterCard,
  type Sha256,
  type TuningConfig,
  type TuningInput,
} from '../../../contracts/index.ts';
import { inspectTable, inspectTables } from '../../../rapt/data/index.ts';
import { seededRandom, withLabelNoise } from '../../../rapt/privacy/index.ts';
import {
  drawPrediction,
  drawRelease,
  fileKey,
  hashInput,
  hashInputs,
  predictionSpec,
  tuningSpec,
  type InputFile,
} from '../../../rapt/release/index.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { backbone, guarantee, identity, outputIds, tokenizer } from './fakes.ts';

const scratch = temporaryFolder();
const secret = Uint8Array.from({ length: 32 }, (_, at) => at);
const inputOf = (digit: string): InputFile => ({
  path: '/tables/of/nobody.csv',
  sha256: digit.repeat(64) as Sha256,
  version: 'any',
});
const [first, second] = [inputOf('1'), inputOf('2')];

/** All but the table and what the test is about. */
const configOf = (
  data: Partial<TuningInput['data']>,
  { privacy, ...tuning }: TuningInput['tuning'] & { privacy?: TuningInput['privacy'] } = {},
): TuningConfig => tuningConfigSchema.parse({ data: { train: 'train.csv', ...data }, privacy, tuning });

const cardOf = (more: Partial<AdapterCard> = {}): AdapterCard => ({
  format: 'rapt-adapter/1',
  backbone: { name: backbone.name, sha256: backbone.sha256 },
  method: 'prefix',
  length: 20,
  pooling: 'mean',
  classes: ['no', 'yes'],
  pair: false,
  maxTokens: 12,
  plain: { tokensPerRow: 4, vocabulary: [600, 601] },
  guarantee,
  ...more,
});

describe('the name of the release of a tuning run', () => {
  const keyOf = (config: TuningConfig, eta: number | null, test: InputFile | null = null): string =>
    tuningSpec({
      config,
      inputs: { train: first, test },
      inspection: { classes: ['no', 'yes'], classCounts: { train: [1, 2], test: [] } },
      backbone,
      outputIds,
      drawnBy: { ...guarantee, mechanism: config.privacy.mechanism, eta },
    }).toKey(secret);

  it('is what it was, with test rows held out of the training table', () => {
    const config = configOf({ testFraction: 0.25 });
    assert.equal(keyOf(config, 14), '1d980ce8ff78260f08cb76c9b50ce3f7');
  });

  it('is what it was, with a test table', () => {
    assert.equal(keyOf(configOf({ test: 'test.csv' }), 14, second), '4c1170a887088ee5cc0f3bb2561ad381');
  });

  it('is what it was, where labels are drawn under an epsilon', () => {
    const config = configOf({}, { privacy: { mechanism: 'laplace', labelEpsilon: 1.5 } });
    assert.equal(keyOf(config, 120.5), '34633ab8fdba6d1193712f6b5a05ae7e');
  });

  it('is what it was, where nothing is hidden and no plain tokens are drawn', () => {
    const config = configOf({}, { privacy: { mechanism: 'none' }, reconstruction: false });
    assert.equal(keyOf(config, null), 'c264cb64e103088c22de5162a9fcbe5f');
  });

  it('is what it was, with pairs and columns of other names', () => {
    const config = configOf({ textColumn: 'premise', pairColumn: 'hypothesis', labelColumn: 'gold', maxTokens: 48 });
    assert.equal(keyOf(config, 14), 'a39952e4aa48e6961ccf7909baddc7b8');
  });

  it('is what it was, with limits, another tenant and more plain tokens than the vocabulary has', () => {
    const config = configOf(
      { maxTrainRows: 1000, maxTestRows: 200 },
      { reconstruction: { plainTokens: 3, vocabularySize: 100_000 } },
    );
    assert.equal(keyOf({ ...config, tenant: 'clinic' }, 14), '12b8de75aa247b87b4e169e72df03539');
  });
});

describe('the name of the release of a prediction', () => {
  const keyOf = (question: Omit<Parameters<typeof predictionSpec>[0], 'backbone'>): string =>
    predictionSpec({ ...question, backbone }).toKey(secret);

  it('is what it was', () => {
    const columns = { text: 'text', label: 'label' };
    const question = { tenant: 'local', card: cardOf(), input: first, columns };
    assert.equal(keyOf(question), 'abb5b818da906d0a92db5851461c0f9a');
  });

  it('is what it was, of pairs without plain tokens', () => {
    const card = cardOf({ pair: true, plain: false, guarantee: identity.guarantee });
    const columns = { text: 'premise', pair: 'hypothesis' };
    assert.equal(keyOf({ tenant: 'clinic', card, input: second, columns }), 'b2bc358878f72e7f66a591b9a59e8504');
  });
});

describe('the name of a privatized table', () => {
  const settings = { tenant: 'local', input: first, output: '/out/noisy.csv', maxTokens: 64 };
  const { table } = guarantee;

  it('is what it was', () => {
    const drawnBy = { mechanism: 'exponential' as const, eta: 14, table };
    assert.equal(
      fileKey({ ...settings, drawnBy, columns: { text: 'text' } }, 0, secret),
      '7ebf75d32bc599cbdae818e973d51f9e',
    );
  });

  it('is what it was, of a second version with pairs and labels', () => {
    const drawnBy = { mechanism: 'none' as const, eta: null, table };
    const columns = { text: 'premise', pair: 'hypothesis', label: 'gold' };
    assert.equal(fileKey({ ...settings, drawnBy, columns }, 1, secret), '9e996aff9e9d647c3947473a682384b5');
  });
});

describe('the manifest', () => {
  const table = join(scratch, 'table.csv');
  const lines = Array.from({ length: 24 }, (_, row) => `w${row} w${7 * row},w${row + 100},${row % 3}`);
  writeFileSync(table, `text,pair,label\n${lines.join('\n')}\n`);
  const drawnBy = { tokenizer, mechanism: identity, rowsPerShard: 16, backbone };

  const common = { format: 'rapt-release/1', tenant: 'local', backbone };
  const shardOf = (name: string, rows: number, tokens: number, sizeBytes: number, sha256: string): object => ({
    file: `${name}.parquet`,
    split: name.startsWith('train') ? 'train' : 'test',
    rows,
    tokens,
    sha256,
    sizeBytes,
  });

  async function manifestOf(config: TuningConfig, folder: string): Promise<string> {
    const inspection = await inspectTables(config.data, { splitByLabels: config.privacy.labelEpsilon === undefined });
    const inputs = await hashInputs(inspection.tables);
    await drawRelease({ ...drawnBy, config, inspection, inputs, folder, outputIds, random: seededRandom(7) });
    return readFileSync(join(folder, 'manifest.json'), 'utf8');
  }

  it('of a tuning run is what it was', async () => {
    const config = configOf(
      { train: table, testFraction: 0.25 },
      { reconstruction: { plainTokens: 2, vocabularySize: 3 } },
    );
    const expected = {
      ...common,
      classes: ['0', '1', '2'],
      classCounts: [6, 7, 8],
      pair: false,
      maxTokens: 64,
      plain: { tokensPerRow: 2, vocabulary: [500, 501, 502] },
      guarantee: identity.guarantee,
      rows: { train: 21, test: 3 },
      tokens: 48,
      shards: [
        shardOf('train-00000', 16, 32, 888, '06f3ee72885c4a3947d9d5f56357dd0893bfec12cada80156945153bb82dcc1a'),
        shardOf('train-00001', 5, 10, 720, '74fe786d62573abd3d22f89db873253be4ddeb89c2ffb32d59d7ae4b28b4439c'),
        shardOf('test-00000', 3, 6, 589, '2d2874ae0c8b7b1e9406c75db04c0e970197136924352df54d0760ba91290553'),
      ],
    };
    assert.equal(await manifestOf(config, join(scratch, 'plain-labels')), canonicalJson(expected));
  });

  it('of a tuning run with drawn labels and pairs is what it was', async () => {
    const config = configOf(
      { train: table, test: table, pairColumn: 'pair', maxTokens: 2, maxTestRows: 5 },
      { privacy: { labelEpsilon: 1 }, reconstruction: false },
    );
    const noise = { epsilon: 1, keep: 0.5761168773498088, flip: 0.2119415613250956 };
    const expected = {
      ...common,
      classes: ['0', '1', '2'],
      classCounts: [9, 5, 10],
      labelNoise: noise,
      pair: true,
      maxTokens: 2,
      plain: false,
      guarantee: withLabelNoise(identity.guarantee, noise),
      rows: { train: 24, test: 5 },
      tokens: 58,
      shards: [
        shardOf('train-00000', 16, 32, 669, '5bb4ea10a4733a82c8e8f38c4c4608f4e05c2300c081519f0626eb7c85dda3a7'),
        shardOf('train-00001', 8, 16, 554, '9fe0a8d390c13ffea5242b06f53d8ba449b66ac2b8151e3805057b5cd9082f53'),
        shardOf('test-00000', 5, 10, 415, '5c066a73092875b7a3c437a6cd4085db4b5b6d5890b4010b1c90e6a919f71372'),
      ],
    };
    assert.equal(await manifestOf(config, join(scratch, 'drawn-labels')), canonicalJson(expected));
  });

  it('of a prediction is what it was', async () => {
    const folder = join(scratch, 'prediction');
    const columns = { text: 'text', label: 'label' };
    const { rows } = await inspectTable(table, columns);
    const input = await hashInput(table);
    const random = seededRandom(7);
    await drawPrediction({ ...drawnBy, tenant: 'local', card: cardOf(), input, columns, rows, folder, random });
    const expected = {
      ...common,
      classes: ['no', 'yes'],
      classCounts: [0, 0],
      pair: false,
      maxTokens: 12,
      plain: { tokensPerRow: 4, vocabulary: [600, 601] },
      guarantee: identity.guarantee,
      rows: { train: 0, test: 24 },
      tokens: 48,
      shards: [
        shardOf('test-00000', 16, 32, 786, '4bdab25c0c38373966a0f6cd8074a708f9acd85e9eb277c4f5fbcb571139020e'),
        shardOf('test-00001', 8, 16, 667, '01f3315bee88473e6eb374a5f606363b0198b60e6b58ad9393e4391f7e083f64'),
      ],
    };
    assert.equal(readFileSync(join(folder, 'manifest.json'), 'utf8'), canonicalJson(expected));
  });
});
