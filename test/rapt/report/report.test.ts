import assert from 'node:assert/strict';
import { test } from 'node:test';
import { marked, type Tokens } from 'marked';
import { renderReport, renderReportMarkdown, shareableConfig, sparseCurve } from '../../../rapt/report/index.ts';
import { AWKWARD } from '../../support/results.ts';
import { sha256, smallReport, usualReport } from '../../support/reports.ts';

const data = {
  ...smallReport,
  config: shareableConfig({
    data: { train: '/home/somebody/secret folder/reviews.csv', textColumn: 'complaint', labelColumn: 'label' },
    backbone: 'sentence-transformers/all-MiniLM-L6-v2',
  }),
};

test('the page answers how good, how private, and against what', async () => {
  const page = await renderReport(data);
  for (const part of [
    '51.7 % (50.7 % to 52.7 %)',
    '5.2 %',
    '321',
    'age',
    '66.7 %',
    '77.8 %',
    '33.3 %',
    'eta = 14',
    'the number of words',
    '7 / 24 / 52 tokens',
    '25.0 %',
    '✗ missed',
    sha256,
  ])
    assert.ok(page.includes(part), `lacks ${part}`);
  assert.ok((page.match(/<svg/g) ?? []).length >= 2, 'curves and confusion matrix are drawn');
});

test('names are shown as text, and files, folders and columns of the data owner are not named', async () => {
  const page = await renderReport(data);
  assert.doesNotMatch(page, /<script|nightly <b>/);
  assert.match(page, /good &amp; fair/);
  assert.match(page, /FILE\.csv/);
  for (const made of [page, await renderReportMarkdown(data)])
    assert.doesNotMatch(made, /reviews|secret folder|somebody|complaint/);
  assert.match(page, /sentence-transformers\/all-MiniLM-L6-v2/);
});

test('nothing is loaded from anywhere, and equal data give equal bytes', async () => {
  const page = await renderReport(data);
  assert.doesNotMatch(page, /(?:src|href)="(?!#)/);
  assert.equal(await renderReport(data), page);
  // As a later attempt reads them.
  const again = JSON.parse(JSON.stringify(usualReport)) as typeof usualReport;
  assert.equal(await renderReport(again), await renderReport(usualReport));
  assert.equal(await renderReportMarkdown(again), await renderReportMarkdown(usualReport));
});

test('a gate against a baseline shows the bound, and where it comes from', async () => {
  const gates = [
    {
      gate: 'accuracy>=baseline-0.01',
      value: 6 / 9,
      passed: false,
      bound: 0.77,
      baseline: { run: 'main <1>', value: 0.78 },
    },
  ];
  const page = await renderReport({ ...data, gates, named: { run: 'main <1>', accuracy: 0.78 } });
  assert.match(page, /0\.77 \(run <code>main &lt;1&gt;<\/code>: 0\.78\)/);
  assert.match(page, /Baseline run <code>main &lt;1&gt;<\/code>: 11\.3 points above this run/);
});

const READING =
  'what was left out, taken instead or is unknown is told on the page and in Markdown, and nothing where nothing is ' +
  'known';
test(READING, async () => {
  const notes = [
    '3 training rows have no label and are left out',
    'the test split has no labels: the validation split is tested on instead',
  ];
  for (const render of [renderReport, renderReportMarkdown]) {
    const told = await render({ ...data, notes, unknownRate: 0.97 });
    for (const part of [
      'How the tables were read',
      '3 training rows have no label and are left out.',
      'The test split has no labels',
      '97 % of the tokens are unknown to the backbone',
    ])
      assert.ok(told.includes(part), `lacks ${part}`);
    assert.match(await render({ ...data, unknownRate: 0 }), /Hardly any token is unknown/);
    assert.doesNotMatch(await render(data), /How the tables were read/);
  }
});

test('a run without noise says so first', async () => {
  const plain = await renderReport({
    ...data,
    guarantee: {
      ...data.guarantee,
      mechanism: 'none',
      private: false,
      eta: null,
      neighbourLogRatio: null,
      numericalSlack: null,
      statement: 'No privacy: the tokens are released as they are.',
    },
    baseline: null,
  });
  assert.match(plain, /No noise was added: the text left in plain tokens/);
  assert.match(plain, /No privacy: the tokens are released as they are/);
});

test('a curve is made sparse by means of neighbouring points, and keeps its end', () => {
  const point = (step: number) => ({
    step,
    epoch: 0,
    loss: step,
    taskLoss: 0,
    reconstructionLoss: null,
    accuracy: step / 10,
    reconstructionAccuracy: null,
    gradientNorm: 0,
  });
  assert.deepEqual(sparseCurve([1, 2, 3, 4, 5].map(point), 3), [
    { step: 2, loss: 1.5, accuracy: 0.15 },
    { step: 4, loss: 3.5, accuracy: 0.35 },
    { step: 5, loss: 5, accuracy: 0.5 },
  ]);
  assert.deepEqual(sparseCurve([], 3), []);
});

test('the frontier marks this run and others of the client, and a table tells the same', async () => {
  const page = await renderReport(usualReport);
  const [, label = ''] = /aria-label="(Tokens that stay themselves[^"]*)"/.exec(page) ?? [];
  assert.match(label, /exponential 14\.12: 44\.0 %, 44\.8 %/);
  assert.match(label, /; this run: 50\.0 %, 51\.7 %; run main-2026-11-13: 49\.7 %, 51\.5 %/);
  const rows = page.slice(page.indexOf('id="frontier"'), page.indexOf('id="results"')).matchAll(/<tr>(.*?)<\/tr>/gs);
  const cells = Array.from(rows, ([, row = '']) =>
    Array.from(row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs), ([, cell = '']) => cell.replaceAll(/<[^>]*>/g, '')),
  );
  for (const row of [
    ['nightly-reviews-2026-11-20', 'exponential', '14', '50.0 %', '51.7 %', '69.5 %'],
    ['plain-reviews', 'none', '–', '100.0 %', 'not attacked', '78.3 %'],
    ['support-mails', 'exponential', '16', '62.9 %', 'not attacked', '84.0 % (other texts)'],
  ])
    assert.ok(
      cells.some((found) => found.join() === row.join()),
      `${row.join()} is not in\n${cells.join('\n')}`,
    );
  const unmarked = await renderReport({ ...usualReport, audit: null, others: [] });
  assert.match(unmarked, /This run was not attacked, so that it is not marked/);
  assert.doesNotMatch(await renderReport({ ...usualReport, frontier: [], others: [] }), /id="frontier"/);
});

test('the Markdown has the answers, the tables and the commands, and no name becomes markup', async () => {
  const tokens = marked.lexer(await renderReportMarkdown(usualReport));
  const headings = tokens.flatMap((token) => (token.type === 'heading' ? [(token as Tokens.Heading).text] : []));
  assert.deepEqual(headings, [
    'Rapt: tuning run <code>nightly-reviews-2026-11-20</code>',
    'Gates',
    'Utility against privacy',
    'Results by class',
    'What attacks get',
    'What the guarantee says',
    'Where everything comes from',
    'How to repeat it',
  ]);
  const tables = tokens.filter((token): token is Tokens.Table => token.type === 'table');
  assert.equal(tables.length, 8);
  for (const { header, rows } of tables) for (const row of rows) assert.equal(row.length, header.length);
  const fences = tokens.flatMap((token) => (token.type === 'code' ? [(token as Tokens.Code).lang] : []));
  assert.deepEqual(fences, ['mermaid', 'mermaid', 'sh', 'json']);
  const html = marked.parse(
    await renderReportMarkdown({
      ...usualReport,
      run: AWKWARD,
      classes: [AWKWARD, 'b', 'c'],
      others: [{ ...usualReport.others[0]!, run: AWKWARD }],
      named: { run: AWKWARD, accuracy: 0.5 },
    }),
    { async: false },
  );
  const tags = new Set(Array.from(html.matchAll(/<(\w+)/g), ([, tag]) => tag));
  for (const tag of ['b', 'a', 'em', 'img', 'del', 'script']) assert.ok(!tags.has(tag), `${tag} in\n${html}`);
});
