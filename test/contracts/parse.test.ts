import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { nearest, parsePredictInput, parseTuningConfig, parseWith } from '../../contracts/index.ts';

function problemsOf(input: unknown): string[] {
  const parsed = parseTuningConfig(input);
  return parsed.ok ? [] : parsed.problems.map(({ where, problem }) => `${where}: ${problem}`);
}

test('a mistyped field is told with the one that was probably meant', () => {
  assert.deepEqual(
    problemsOf({
      tuning: { epoch: 3, lerning_rate: 1, reconstruction: { plainToken: 3 } },
      audit: { attack: [] },
      privacy: { budget: { per_text: 3 } },
    }),
    [
      'privacy.budget.per_text: is not a known field; did you mean privacy.budget.perText?',
      'tuning.reconstruction.plainToken: is not a known field; did you mean tuning.reconstruction.plainTokens?',
      'tuning.epoch: is not a known field; did you mean tuning.epochs?',
      'tuning.lerning_rate: is not a known field; did you mean tuning.learningRate?',
      'audit.attack: is not a known field; did you mean audit.attacks?',
    ],
  );
});

test('a field at the wrong place is told with its place', () => {
  assert.deepEqual(problemsOf({ epochs: 3, maxTokens: 8 }), [
    'epochs: is not a known field; did you mean tuning.epochs?',
    'maxTokens: is not a known field; did you mean data.maxTokens?',
  ]);
});

test('a field that is like no other is told with those there are', () => {
  assert.match(
    problemsOf({ privacy: { colour: 'red' } })[0] ?? '',
    /^privacy\.colour: is not a known field; .*: the fields here are mechanism, eta, .*, budget$/,
  );
  const predict = parsePredictInput({ run: 'a', in: 'b.csv', out: 'c.csv', textcolumn: 'd' });
  assert.equal(predict.ok ? '' : predict.problems[0]?.problem, 'is not a known field; did you mean textColumn?');
});

test('a near word is found whatever its case and the signs between its parts', () => {
  assert.equal(nearest('BATCH_SIZE', ['batchSize', 'bottleneck']), 'batchSize');
});

test('a short word is near to another only by one edit', () => {
  assert.equal(nearest('eto', ['eta', 'test']), 'eta');
  assert.equal(nearest('abc', ['xyz']), undefined);
});

test('a mistyped field of an item in a list is told with the one beside it', () => {
  const eta = z.strictObject({ laplace: z.number() }).optional();
  const schema = z.strictObject({ rules: z.array(z.strictObject({ text: z.string().optional(), eta })) });
  const problems = (input: unknown): string[] => {
    const parsed = parseWith(schema, input);
    return parsed.ok ? [] : parsed.problems.map(({ where, problem }) => `${where}: ${problem}`);
  };
  const unknown = 'is not a known field;';
  assert.deepEqual(problems({ rules: [{}, { texts: 'a', eta: { laplace: 1, gauss: 2 } }] }), [
    `rules.1.eta.gauss: ${unknown} remove it, or check its spelling: the fields here are laplace`,
    `rules.1.texts: ${unknown} did you mean text?`,
  ]);
  const elsewhere = `laplace: ${unknown} did you mean eta.laplace of an item of rules?`;
  assert.deepEqual(problems({ rules: [], laplace: 1 }), [elsewhere]);
});
