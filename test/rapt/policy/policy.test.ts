import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  BadInput,
  parseTuningConfig,
  type InputProblem,
  type TuningConfig,
  type TuningInput,
} from '../../../contracts/index.ts';
import {
  foundProblems,
  newPolicyText,
  parsePolicy,
  policyFile,
  predictionAllowed,
  readPolicy,
  ruleFor,
  tuningAllowed,
  withAnswers,
  withRule,
  withTables,
  type NewRule,
  type Policy,
} from '../../../rapt/policy/index.ts';
import { temporaryFolder } from '../../support/folder.ts';

const folder = temporaryFolder();
const table = join(folder, 'data', 'reviews.csv');
mkdirSync(join(folder, 'data', 'notes'), { recursive: true });
for (const path of [table, join(folder, 'other.csv'), join(folder, 'data', 'notes', 'one.csv')])
  writeFileSync(path, 'review,stars\n');

function configOf(input: TuningInput): TuningConfig {
  const parsed = parseTuningConfig(input);
  assert.ok(parsed.ok);
  return parsed.value;
}

const data = { train: table, textColumn: 'review', labelColumn: 'stars' };
const policyOf = (rule: string, rest = ''): Policy =>
  parsePolicy(`version: 1\ntables:\n  - ${rule}\n${rest}`, 'policy.yaml');
const reviews =
  `{ table: ${table}, name: reviews, text: [review], label: ` + '[stars], eta: { exponential: 14 }, labels: plain }';
const fields = (problems: readonly InputProblem[]): string[] => problems.map(({ where }) => where);
const refused = async (policy: Policy, input: TuningInput): Promise<string[]> =>
  fields((await tuningAllowed(policy, withTables(policy, configOf(input)))).problems);

test('without a policy of the owner the built-in data may be tuned on, and nothing leaves without noise', async () => {
  const policy = readPolicy(join(folder, 'nowhere'));
  assert.deepEqual(await refused(policy, {}), []);
  assert.deepEqual(await refused(policy, { privacy: { mechanism: 'laplace', eta: 400 } }), []);
  assert.deepEqual(await refused(policy, { privacy: { mechanism: 'none' } }), ['privacy.mechanism']);
  assert.deepEqual(await refused(policy, { data }), ['data.train']);
  assert.deepEqual(policy.budgets, { perText: 28, perTenant: 140, labels: 6 });
});

test('a request that goes beyond the policy is told of each field, from table to public text', async () => {
  const policy = policyOf(reviews);
  assert.deepEqual(await refused(policy, { data }), []);
  const beyond: TuningInput = {
    data: { ...data, textColumn: 'stars', labelColumn: 'review', attributeColumns: ['age'], pairColumn: 'title' },
    privacy: { eta: 14.01 },
    backbone: 'somebody/model',
    audit: { publicText: join(folder, 'other.csv') },
  };
  assert.deepEqual(await refused(policy, beyond), [
    'data.textColumn',
    'data.pairColumn',
    'data.labelColumn',
    'data.attributeColumns',
    'privacy.eta',
    'audit.publicText',
    'backbone',
  ]);
  assert.deepEqual(await refused(policy, { data, privacy: { mechanism: 'laplace' } }), ['privacy.mechanism']);
  assert.deepEqual(await refused(policy, { data, privacy: { mechanism: 'none' } }), ['privacy.mechanism']);
  assert.deepEqual(await refused(policy, { data: { ...data, test: join(folder, 'other.csv') } }), ['data.test']);
  const guarded = policyOf(reviews.replace('plain', '3'));
  assert.deepEqual(
    [
      await refused(guarded, { data }),
      await refused(guarded, { data, privacy: { labelEpsilon: 4 } }),
      await refused(guarded, { data, privacy: { labelEpsilon: 3 } }),
    ],
    [['privacy.labelEpsilon'], ['privacy.labelEpsilon'], []],
  );
});

test('a table may be named as the policy names it, and a name that the policy does not give is no table', async () => {
  const policy = policyOf(reviews);
  assert.equal(withTables(policy, configOf({ data: { ...data, train: 'table://reviews' } })).data.train, table);
  assert.deepEqual(await refused(policy, { data: { ...data, train: 'table://reviews' } }), []);
  assert.deepEqual(await refused(policy, { data: { ...data, train: 'table://other' } }), ['data.train']);
});

test('a folder stands for all tables below it; neither dots nor links lead out of it', async () => {
  const policy = policyOf(reviews.replace(table, `${join(folder, 'data')}/`));
  symlinkSync(join(folder, 'other.csv'), join(folder, 'data', 'link.csv'));
  symlinkSync(join(folder, 'other.csv'), join(folder, 'data', 'notes', 'two.csv'));
  const asked = (train: string) => refused(policy, { data: { ...data, train } });
  assert.deepEqual(await asked(table), []);
  assert.deepEqual(await asked(`${join(folder, 'data')}/../other.csv`), ['data.train']);
  assert.deepEqual(await asked(join(folder, 'data', 'link.csv')), ['data.train']);
  assert.deepEqual(await asked(join(folder, 'data', 'notes', 'one.csv')), []);
  assert.deepEqual(
    await asked(join(folder, 'data', 'notes')),
    ['data.train'],
    'a data set of which one file is a link to elsewhere',
  );
  assert.deepEqual(await asked(`${join(folder, 'data')}base.csv`), ['data.train']);
});

test('a part of a bucket is allowed by the beginning of its keys', async () => {
  const policy = policyOf(reviews.replace(table, 's3://texts/reviews/'));
  const asked = (train: string) => refused(policy, { data: { ...data, train } });
  assert.deepEqual(
    [
      await asked('s3://texts/reviews/2026.csv'),
      await asked('s3://texts/notes.csv'),
      await asked('s3://texts2/reviews/2026.csv'),
    ],
    [[], ['data.train'], ['data.train']],
  );
});

test('classes, the chosen eta and the weights are held against the policy once they are known', async () => {
  const policy = policyOf(reviews, 'backbones: [sha256:' + 'a'.repeat(64) + ']\n');
  const { rules, problems } = await tuningAllowed(policy, configOf({ data }));
  assert.deepEqual(problems, [], 'the weights are not known yet');
  const found = (what: Parameters<typeof foundProblems>[3]): string[] =>
    fields(foundProblems(policy, rules, 'all-MiniLM-L6-v2', what));
  assert.deepEqual(found({ classes: Array.from({ length: 21 }, String) }), ['data.labelColumn']);
  assert.deepEqual(found({ classes: ['a', 'b'], classRows: [5, 4] }), ['data.labelColumn']);
  assert.deepEqual(found({ classes: ['a', 'b'], classRows: [5, 5] }), []);
  assert.deepEqual(found({ mechanism: 'exponential', eta: 15 }), ['privacy.eta']);
  assert.deepEqual(
    [found({ backboneSha256: 'b'.repeat(64) }), found({ backboneSha256: 'a'.repeat(64) })],
    [['backbone'], []],
  );
});

test('a prediction keeps to table, columns, the mechanism of the asked run, and folders for answers', async () => {
  const policy = policyOf(reviews, `answers: [${join(folder, 'answers')}]\n`);
  const asked = async (out: string, leaves: Partial<Parameters<typeof predictionAllowed>[2]> = {}) =>
    fields(
      (
        await predictionAllowed(
          policy,
          { run: 'r', tenant: 'local', in: table, out },
          { mechanism: 'exponential', eta: 14, columns: { text: 'review' }, ...leaves },
        )
      ).problems,
    );
  const good = join(folder, 'answers', 'new.csv');
  assert.deepEqual(await asked(good), []);
  assert.deepEqual(await asked(join(folder, 'answers', '..', 'other.csv')), ['out']);
  assert.deepEqual(await asked(good, { mechanism: 'none', eta: null }), ['privacy.mechanism']);
  assert.deepEqual(await asked(good, { eta: 60 }), ['privacy.eta']);
  assert.deepEqual(await asked(good, { columns: { text: 'review', label: 'diagnosis' } }), ['labelColumn']);
});

test('budgets hold for private tables; those on labels where labels are drawn', async () => {
  const budgetOf = async (policy: Policy, input: TuningInput) => {
    const { budget, isPublic } = await tuningAllowed(policy, configOf(input));
    return { budget, isPublic };
  };
  assert.deepEqual(await budgetOf(policyOf(reviews), { data }), {
    budget: { perText: 28, perTenant: 140 },
    isPublic: false,
  });
  assert.deepEqual(await budgetOf(policyOf(reviews.replace('plain', '3')), { data, privacy: { labelEpsilon: 3 } }), {
    budget: { perText: 28, perTenant: 140, labels: 6 },
    isPublic: false,
  });
  assert.equal((await budgetOf(policyOf(reviews.replace('plain', 'plain, public: true')), { data })).isPublic, true);
});

test('one table that protects its labels brings the budget on labels, and the narrowest rule holds', async () => {
  const policy = parsePolicy(
    `version: 1
tables:
  - ${reviews.replace('plain', '3')}
  - { table: ${join(folder, 'other.csv')}, text: [review], label: [stars], eta: { exponential: 14 }, labels: plain }
  - { table: ${folder}/, text: [review], label: [stars], eta: { exponential: 1000 }, none: true, labels: plain,
      public: true }
`,
    'policy.yaml',
  );
  const allowed = await tuningAllowed(
    policy,
    configOf({ data: { ...data, test: join(folder, 'other.csv') }, privacy: { labelEpsilon: 3 } }),
  );
  assert.deepEqual([allowed.problems, allowed.budget.labels, allowed.isPublic], [[], 6, false]);
  assert.deepEqual(await refused(policy, { data, privacy: { mechanism: 'none' } }), [
    'privacy.mechanism',
    'privacy.labelEpsilon',
  ]);
});

test('a place that no table can lie at is no rule', () => {
  for (const place of ['reviews.csv', '~/reviews.csv', '/data/*.csv', 'C:\\data\\reviews.csv'])
    assert.throws(
      () => policyOf(`{ table: '${place}', labels: plain }`),
      /must be an absolute path or an address, without wildcards/,
      place,
    );
});

test('a policy that cannot be read allows nothing, and says file, line and field', () => {
  const home = temporaryFolder();
  const says = (text: string, words: RegExp): void => {
    writeFileSync(policyFile(home), text);
    assert.throws(
      () => readPolicy(home),
      (error: unknown) => error instanceof BadInput && words.test(error.message),
    );
  };
  says('version: 1\ntables: [', /policy\.yaml, line \d+: is no YAML here/);
  says('# nothing yet\n', /policy\.yaml: is empty; `rapt policy init --force` writes one with every field/);
  says('version: 1\ntable: []\n', /policy\.yaml, table: is not a known field; did you mean tables\?/);
  says(
    `version: 1\ntables:\n  - { table: a.csv }\n`,
    /yaml, table a\.csv, labels: must be plain, or the largest labelEps/,
  );
  says(
    `version: 1\ntables:\n  - ${reviews}\n  - ${reviews}\n`,
    /table \d, name: is the name of two tables; give one of them/,
  );
  says('version: 2\n', /policy\.yaml, version: must be 1, .*; write version: 1$/);
  says('version: 1\nbudgets:\n', /policy\.yaml, budgets: must name limits, such as \{ perText: 28 \}; leave it out/);
  says('version: 1\nbudgets: { perText: no }\n', /budgets\.perText: must be a number above 0, or none for no limit/);
  says('version: 1\nbudgets: { perText: -1 }\n', /budgets\.perText: must be a number above 0, or none for no limit/);
  says('text\n', /policy\.yaml: holds no fields such as version: 1; `rapt policy init --force`/);
  const rule = (fields: string): string => `version: 1\ntables:\n  - { labels: plain, ${fields} }\n`;
  const at = (field: string, problem: string): RegExp =>
    new RegExp(`policy\\.yaml, table /a\\.csv, ${field}: ${problem}`);
  says(rule('table: /a.csv, text: review'), at('text', 'must be a list of columns; write \\[review\\]'));
  says(rule('table: /a.csv, text: [a, 1]'), at('text, entry 2', 'must be the name of a column'));
  says(rule('table: /a.csv, eta: 14'), at('eta', 'must name mechanisms .* such as \\{ exponential: 14 \\}'));
  says(rule('table: /a.csv, texts: [a]'), at('texts', 'is not a known field; did you mean text\\?'));
  says(rule('table: /a.csv, eta: { gauss: 1 }'), at('eta\\.gauss', '.*the fields here are exponential, laplace$'));
  says(rule('table: ~/a.csv'), /Only a shell knows ~: write \/.*\/a\.csv$/);
  says('version: 1\ntables: [/a.csv]\n', /policy\.yaml, table 1: must be a rule with the fields table and labels/);
  says('version: 1\nbackbones: [sha256:12]\n', /policy\.yaml, backbones, entry 1: must be sha256: and 64 digits/);
});

test('a new policy is what holds without one; adding a table keeps what people wrote, and again widens it', () => {
  assert.deepEqual(parsePolicy(newPolicyText(), 'policy.yaml'), readPolicy(join(folder, 'nowhere')));
  const first = withRule(
    '# mine\nversion: 1\nanswers: [/a] # here\n',
    'policy.yaml',
    ruleFor(configOf({ data }), null),
    'x/y',
  );
  assert.match(first.text, /# mine[^]*# here/);
  const { policy } = withRule(
    first.text,
    'policy.yaml',
    {
      ...ruleFor(
        configOf({
          data: { ...data, textColumn: 'title' },
          privacy: { mechanism: 'laplace', eta: 60, labelEpsilon: 2 },
        }),
        60,
      ),
      name: 'r',
    },
    'x/y',
  );
  assert.deepEqual(policy.backbones, ['x/y']);
  assert.equal(policy.tables.length, 1);
  const { text, label, eta, labels, none, name } = policy.tables[0]!;
  assert.deepEqual(
    { text, label, eta, labels, none, name },
    {
      text: ['review', 'title'],
      label: ['stars'],
      eta: { exponential: 14, laplace: 60 },
      labels: 2,
      none: false,
      name: 'r',
    },
  );
});

test('labels that are protected stay so until the owner says otherwise in so many words', () => {
  const labelsAfter = (...rules: Partial<NewRule>[]): unknown =>
    rules.reduce<{ text: string | null; policy: Policy | null }>(
      ({ text }, rule) => withRule(text, 'policy.yaml', { ...ruleFor(configOf({ data }), null), ...rule }),
      { text: null, policy: null },
    ).policy!.tables[0]!.labels;
  assert.equal(labelsAfter({}), 'plain');
  assert.equal(labelsAfter({ labels: 2 }, {}), 2);
  assert.equal(labelsAfter({ labels: 2 }, { labels: 3 }, { labels: 1 }), 3);
  assert.equal(labelsAfter({ labels: 2 }, { labels: 'plain' }), 'plain');
  assert.equal(labelsAfter({ labels: 'plain' }, { labels: 2 }), 2);
  assert.equal(ruleFor(configOf({ data, privacy: { labelEpsilon: 2 } }), null).labels, 2);
});

test('a folder for answers is added once, and what people wrote stays', () => {
  const { text, policy } = withAnswers('# mine\nversion: 1\nanswers: [/a] # here\n', 'policy.yaml', '/b');
  assert.deepEqual(policy.answers, ['/a', '/b']);
  assert.match(text, /# mine[^]*# here/);
  assert.equal(withAnswers(text, 'policy.yaml', '/b').text, text);
});
