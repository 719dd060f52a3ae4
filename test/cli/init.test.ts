/** From a table to a configuration, with the real tokenizer and the real public table. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { before, describe, it, test } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { proposeRun, type Proposal } from '../../cli/init/proposal.ts';
import { tuningFile } from '../../cli/init/tuning-file.ts';
import { loadConfig } from '../../cli/options/configuration.ts';
import { BadInput, DEFAULT_BACKBONE, tuningJsonSchema } from '../../contracts/index.ts';
import { PLANTED, COLUMNS, writeReviews } from '../e2e/reviews.ts';
import { temporaryFolder } from '../support/folder.ts';
import { PROGRAM, runProgram } from '../support/stack.ts';

const ROWS = 200;
const folder = temporaryFolder();
process.env['RAPT_HOME'] = join(folder, 'home');
const table = join(folder, 'Bewertungen: "Ärger" #1.csv');
const options = { file: table, chosen: {}, backbone: DEFAULT_BACKBONE, tenant: 'local', unchanged: 0.5 };
let proposal: Proposal;
let yaml: string;

before(async () => {
  // Short reviews are joined by the client's key now and then; under this one, none is.
  mkdirSync(join(folder, 'home', 'client', 'local'), { recursive: true });
  writeFileSync(join(folder, 'home', 'client', 'local', 'release-key'), Buffer.alloc(32, 1));
  writeReviews(table, ROWS);
  proposal = await proposeRun(options);
  yaml = tuningFile(proposal, join(folder, 'tuning.yaml'));
});

async function problemOf(content: string): Promise<string> {
  const file = join(folder, 'bad.csv');
  writeFileSync(file, content);
  const error = await proposeRun({ ...options, file }).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof BadInput);
  return error.message;
}

describe('the proposal', () => {
  it('takes the columns of text and label', () => {
    const { text, label, pair } = proposal.proposed;
    assert.deepEqual([text, label, pair], [COLUMNS.text, COLUMNS.label, undefined]);
  });

  it('trains and tests on all rows', () => {
    assert.equal(proposal.rows.train + proposal.rows.test, ROWS);
  });

  it('knows each class, and the class of each row', () => {
    assert.deepEqual(
      proposal.classes.map(({ name }) => name),
      ['negative', 'positive', 'short'],
    );
    assert.equal(
      proposal.classes.reduce((sum, { rows }) => sum + rows, 0),
      ROWS,
    );
  });

  it('tells the lengths in their order', () => {
    const { p05, p50, p95, most } = proposal.lengths;
    assert.ok(p05 < p50 && p50 < p95 && p95 <= most, JSON.stringify(proposal.lengths));
  });

  it('keeps so many tokens that at most one row in twenty is cut', () => {
    const { cut, lengths, config } = proposal;
    assert.ok(cut <= 0.05 * ROWS, `${cut} rows cut`);
    const beyond = config.data.maxTokens - lengths.p95;
    assert.ok(beyond >= 0 && beyond < 8, `${config.data.maxTokens} tokens`);
  });

  it('finds no text twice', () => {
    assert.deepEqual(proposal.duplicates, { texts: 0, most: 1 });
  });

  // No more stays than was asked for, or hardly more, and a round eta where that is so.
  for (const [at, asked] of [0.5, 0.1, 0.3, 0.7, 0.9].entries())
    it(`offers an eta at which a share of ${asked} of the tokens stays`, () => {
      const { unchanged } = proposal.etas[at]!;
      assert.ok(unchanged <= asked + 0.01 && unchanged > asked - 0.05, `${unchanged}`);
    });

  it('takes the eta at which half of the tokens stay', () => {
    assert.equal(proposal.etas[0]!.eta, 14);
    assert.equal(proposal.config.privacy.eta, 14);
  });

  it('costs each text its eta, and has spent nothing before', () => {
    assert.deepEqual([proposal.cost.etaOfText, proposal.cost.spentBefore], [14, 0]);
  });

  it('costs the tenant the eta of the texts that are nearly alike', () => {
    // Of short reviews two or three are taken for nearly alike, by the client's key.
    assert.ok([1, 2, 3].includes(proposal.cost.etaOfTenant / 14), `${proposal.cost.etaOfTenant}`);
  });

  it('takes the steps of five epochs', () => {
    assert.equal(proposal.cost.steps, Math.ceil(proposal.rows.train / 32) * 5);
  });

  it('estimates tokens and minutes', () => {
    const { tokens, minutes } = proposal.cost;
    assert.ok(tokens > 20 * ROWS && tokens <= proposal.config.data.maxTokens * ROWS, `${tokens} tokens`);
    assert.ok(minutes > 0);
  });
});

test('the file is a configuration as it is, for Rapt and for an editor', async () => {
  const path = join(folder, 'as-written.yaml');
  writeFileSync(path, yaml);
  assert.deepEqual(await loadConfig({ file: path }, true), proposal.config);
  const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(tuningJsonSchema());
  assert.ok(validate(parse(yaml)), JSON.stringify(validate.errors));
});

test('the table is named as seen from the file, so that both can be moved together', () => {
  const tableIn = (path: string): unknown =>
    (parse(tuningFile(proposal, path)) as { data: { train: string } }).data.train;
  assert.equal(tableIn(join(folder, 'tuning.yaml')), basename(table));
  assert.equal(tableIn(join(folder, 'conf', 'tuning.yaml')), `../${basename(table)}`);
  assert.ok(
    !yaml.replaceAll(join(folder, 'tuning.yaml'), '').includes(folder),
    'no other folder of this machine is named',
  );
});

test('its first line tells editors where the schema is, and the schema is there', () => {
  const [, url] = /^# yaml-language-server: \$schema=(\S+)$/.exec(yaml.split('\n')[0]!) ?? [];
  assert.deepEqual(JSON.parse(readFileSync(new URL(url!), 'utf8')), JSON.parse(JSON.stringify(tuningJsonSchema())));
});

test('every line that is offered as a remark is right as a setting, too', () => {
  const uncommented = yaml.replaceAll(/^( *)# (?=\w+:|  \w+: ")/gm, '$1');
  assert.notEqual(uncommented, yaml);
  const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(tuningJsonSchema());
  assert.ok(validate(parse(uncommented)), `${JSON.stringify(validate.errors)}\n${uncommented}`);
});

test('neither the file nor what is told holds a word of a text', () => {
  assert.ok(!(yaml + JSON.stringify(proposal)).includes(PLANTED));
});

test('repeated texts are counted as the ledger counts them', async () => {
  const file = join(folder, 'repeated.csv');
  const repeated = 'A fine film,good\na  FINE film,good\n'.repeat(5);
  const others = Array.from({ length: 30 }, (_, row) => `film number ${row},bad\n`).join('');
  writeFileSync(file, `text,label\n${repeated}${others}`);
  const { duplicates, cost, config } = await proposeRun({ ...options, file, chosen: { text: 'text' } });
  assert.deepEqual(duplicates, { texts: 9, most: 10 });
  assert.equal(cost.etaOfTenant, 10 * config.privacy.eta!);
});

test('a table of unknown words gets a hint, and texts of which nothing is left are counted', async () => {
  const file = join(folder, 'thai.csv');
  const rows = Array.from({ length: 200 }, (_, row) =>
    row < 3 ? `\u200b,${row % 2}\n` : `ภาพยนตร์เรื่องนี้สนุกมาก${row}🎬👍,${row % 2}\n`,
  );
  writeFileSync(file, `text,label\n${rows.join('')}`);
  const { proposed, unknownRate, withoutTokens, notes } = await proposeRun({ ...options, file });
  assert.deepEqual([proposed.text, proposed.label, withoutTokens], ['text', 'label', 3]);
  assert.ok(unknownRate > 0.9, `${unknownRate}`);
  assert.match(
    notes.join(),
    /^\d+ % of the tokens are unknown.*a multilingual one knows more, such as FacebookAI\/xlm-roberta-base/,
  );
  assert.deepEqual([proposal.notes, proposal.withoutTokens], [[], 0]);
  assert.ok(proposal.unknownRate < 0.01);
});

test('for what a run would be refused, the proposal is refused, in the same words', async () => {
  const rows = Array.from({ length: 30 }, (_, row) => `words of row ${row},${row % 2}\n`).join('');
  const missing = await problemOf(`text,label\n${rows},a label without a secret\n`);
  assert.match(missing, /bad\.csv, line 32 \(row 31\), column "text": is empty while the rest of the row is not/);
  assert.doesNotMatch(missing, /secret/);
  assert.match(
    await problemOf(`text,label\n${rows}"never closed,1\n`),
    /line 32: starts a record in which a quote is opened and never closed/,
  );
  assert.match(
    await problemOf(`text,other\n${rows.replaceAll(/,.*$/gm, ',same')}`),
    /no column that looks like labels/,
  );
});

test('the command writes the file once, and again when it is forced to', async () => {
  const out = join(folder, 'tuning.yaml');
  const init = (...more: string[]): ReturnType<typeof runProgram> =>
    runProgram(process.execPath, [PROGRAM, 'init', table, '--out', out, ...more]);
  const first = await init('--json');
  assert.equal(first.code, 0, first.stderr);
  assert.equal((JSON.parse(first.stdout) as { out: string }).out, out);
  assert.ok(existsSync(out));
  writeFileSync(out, 'mine');
  const second = await init();
  assert.equal(second.code, 2);
  assert.match(second.stderr, /tuning\.yaml: exists; give --force to replace it/);
  assert.equal(readFileSync(out, 'utf8'), 'mine');
  const forced = await init('--force');
  assert.equal(forced.code, 0, forced.stderr);
  assert.match(forced.stdout, /class +rows\nnegative +\d+/);
  assert.equal(readFileSync(out, 'utf8'), tuningFile(proposal, out));
});
