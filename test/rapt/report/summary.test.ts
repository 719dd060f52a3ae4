import assert from 'node:assert/strict';
import { test } from 'node:test';
import { marked, type Token, type Tokens } from 'marked';
import type { TuningResult } from '../../../contracts/index.ts';
import { renderSummary, renderWithoutResult } from '../../../rapt/report/index.ts';
import { AWKWARD, tuned } from '../../support/results.ts';

/** What a reader sees of inline markup. */
function seen(tokens: readonly Token[]): string {
  return tokens
    .map((token) =>
      token.type === 'html'
        ? ''
        : 'tokens' in token && Array.isArray(token.tokens)
          ? seen(token.tokens)
          : decoded((token as Tokens.Text).text),
    )
    .join('');
}
const decoded = (text: string): string =>
  text.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
const of = <T extends Token>(type: string, tokens: readonly Token[]): T[] =>
  tokens.filter((token): token is T => token.type === type);
const rowsOf = (table: Tokens.Table): string[][] => table.rows.map((row) => row.map(({ tokens }) => seen(tokens)));
const page = (result: TuningResult) => marked.lexer(renderSummary(result));
const headOf = (table: Tokens.Table): string[] => table.header.map(({ tokens }) => seen(tokens));
/** Without the line that sets their look. */
const charts = (result: TuningResult): string[] =>
  of<Tokens.Code>('code', page(result)).map(
    ({ lang, text }) => (assert.equal(lang, 'mermaid'), text.replace(/^%%\{init: .*\}%%\n/, '')),
  );

test('the page answers how good, how private, against what, and whether the gates hold', () => {
  const tokens = page(tuned);
  assert.equal(seen(of<Tokens.Heading>('heading', tokens)[0]!.tokens), 'Rapt run pr-17: ✗ 1 of 2 gates missed');
  const tables = of<Tokens.Table>('table', tokens);
  const [overview, gates, attacks] = tables.map(rowsOf);
  assert.deepEqual(headOf(tables[0]!), [
    'How good',
    '65.7 % accuracy on 1,500 held-out texts, 95 % interval 63.3 % to 68.1 %; macro F1 0.651',
  ]);
  assert.deepEqual(overview, [
    ['Most frequent class', '52.6 %; this run is 13.1 points above'],
    ['Baseline run main-1', '68.0 %; this run is 2.3 points below'],
    ['Same tuning on plain text, run plain', '78.3 %; this run is 12.6 points below'],
    ['How private', 'exponential, eta 14; 50.0 % of the tokens stayed themselves'],
    ['Likelihood ratio of two neighbouring words', 'at most e^13.5 (median over words)'],
  ]);
  assert.deepEqual(gates, [
    ['accuracy>=0.6', '0.657', '0.6', '✓ holds'],
    ['accuracy>=baseline-0.01', '0.657', '0.67 (run main-1: 0.68)', '✗ missed'],
  ]);
  assert.deepEqual(attacks, [
    ["Bayes' rule with the prior that the release gives away", '51.7 % (50.7 % to 52.7 %)', '1.1 %', '5.2 %'],
  ]);
});

test('what was left out or taken instead is told', () => {
  const lists = of<Tokens.List>('list', page({ ...tuned, notes: ['2 training rows have no label and are left out'] }));
  assert.deepEqual(
    lists.map(({ items }) => items.map(({ tokens }) => seen(tokens))),
    [['2 training rows have no label and are left out']],
  );
});

test('the drawings are Mermaid of the kind that GitHub draws: accuracies as bars, the loss as a line', () => {
  assert.deepEqual(charts(tuned), [
    'xychart-beta\n    title "Accuracy on held-out texts"\n    x-axis ["this run", "baseline run", "on plain ' +
      'text", "most frequent class"]\n    y-axis "%" 0 --> 100\n    bar [65.7, 68.0, 78.3, 52.6]',
    'xychart-beta\n    title "Training loss"\n    x-axis "optimizer step" 5 --> 15\n    y-axis "loss" 0 --> 1.26\n ' +
      '   line [1.2, 0.9, 0.7]',
  ]);
});

test('a result of an earlier version, without curve and baselines, is shown as far as it goes', () => {
  const { baselines: _, training: __, ...earlier } = tuned;
  const [overview] = of<Tokens.Table>('table', page({ ...earlier, gates: [], audit: {} })).map(rowsOf);
  assert.deepEqual(
    overview!.map(([name]) => name),
    ['Most frequent class', 'How private', 'Likelihood ratio of two neighbouring words'],
  );
  assert.equal(charts(earlier).length, 1);
  assert.match(renderSummary({ ...earlier, gates: [] }), /^## .*✓ finished/);
});

test('what an earlier version took for a guess without the release is shown as what it was', () => {
  const { mostFrequent, ...earlier } = tuned.audit.attacks![0]!;
  const [attacks] = of<Tokens.Table>(
    'table',
    page({ ...tuned, audit: { attacks: [{ ...earlier, priorOnly: mostFrequent! }] } }),
  )
    .map(rowsOf)
    .slice(-2);
  assert.deepEqual(attacks, [
    ["Bayes' rule with the prior that the release gives away", '51.7 % (50.7 % to 52.7 %)', '–', '5.2 %'],
  ]);
});

test('a run without noise says so', () => {
  const plain = {
    ...tuned,
    privacy: {
      ...tuned.privacy,
      mechanism: 'none' as const,
      eta: null,
      guarantee: { ...tuned.privacy.guarantee, private: false, neighbourLogRatio: null },
    },
  };
  assert.match(renderSummary(plain), /\*\*Not at all\*\*: the texts left in plain tokens/);
});

test('no name, path or message becomes markup, a link or another cell', () => {
  const gates = [
    {
      gate: `attribute.${AWKWARD}>=0.5`,
      value: 0.1,
      passed: false,
      bound: 0.5,
      baseline: { run: AWKWARD, value: 0.5 },
    },
  ];
  const awkward = {
    ...tuned,
    workflowId: AWKWARD,
    gates,
    baselines: { named: { run: AWKWARD, accuracy: 0.5 }, plain: null },
    resumed: AWKWARD,
    adapter: { ...tuned.adapter, uri: AWKWARD },
  };
  const shown = AWKWARD.replaceAll(/[\s\p{Cc}]+/gu, ' ');
  for (const [text, places] of [
    [renderSummary(awkward), 5],
    [renderWithoutResult(AWKWARD, 'failed', [AWKWARD]), 2],
    [renderSummary(awkward, [AWKWARD]), 6],
  ] as const) {
    const html = marked.parse(text, { async: false });
    // Tags of ours, and none that came with a value.
    const tags = new Set(Array.from(html.matchAll(/<(\w+)/g), ([, tag]) => tag));
    for (const tag of ['b', 'a', 'em', 'img', 'del']) assert.ok(!tags.has(tag), `${tag} in\n${html}`);
    const readable = html
      .replaceAll(/<[^>]*>/g, '')
      .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
      .replaceAll('&quot;', '"')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&')
      .replaceAll(/\s+/g, ' ');
    assert.ok(readable.split(shown).length - 1 >= places, `${readable}\nlacks ${shown}`);
  }
  for (const table of of<Tokens.Table>('table', page(awkward)))
    for (const row of table.rows) assert.equal(row.length, table.header.length);
  assert.equal(charts(awkward).join().includes('<b>'), false);
});

test('a run without a result says why', () => {
  assert.equal(
    renderWithoutResult('pr-17', 'was cancelled', ['the run was cancelled; resume it']),
    '## Rapt run <code>pr-17</code>: ✗ was cancelled\n\n> the run was cancelled; resume it\n',
  );
});

test('what has to be known of a run stands below its heading, before its figures', () => {
  const summary = renderSummary(tuned, [
    'Shows run nightly, which finished on 2026-11-28 03:00 UTC.',
    'its gates are others',
  ]);
  const [heading, remarks, figures] = summary.split('\n\n');
  assert.match(heading!, /^## Rapt run/);
  assert.equal(remarks, '> Shows run nightly, which finished on 2026-11-28 03&#58;00 UTC.\n>\n> its gates are others');
  assert.match(figures!, /How good/);
});
