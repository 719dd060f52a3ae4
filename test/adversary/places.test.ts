/** A policy lets files go by where they lie. The provider writes the name: of the folder above, of a split, of a link,
 *  of a part of a bucket. Whatever the name, each file that would be read is held to the rule of its own narrowest
 *  place. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parsePredictInput, parseTuningConfig } from '../../contracts/index.ts';
import { addTableSource } from '../../rapt/data/index.ts';
import { parsePolicy, predictionAllowed, tuningAllowed, type Allowed } from '../../rapt/policy/index.ts';
import { temporaryFolder } from '../support/folder.ts';

const root = temporaryFolder();
const [data, outside] = [join(root, 'data'), join(root, 'outside')];
for (const folder of ['secret', 'set', 'mixed', 'outside'])
  mkdirSync(join(folder === 'outside' ? root : data, folder), { recursive: true });
const table = (...path: string[]): string => {
  writeFileSync(join(...path), 'text,label\na,0\nb,1\n');
  return join(...path);
};
for (const path of ['open.csv', 'salaries.csv', 'secret/train.csv', 'set/train.csv', 'mixed/train.csv'])
  table(data, path);
table(outside, 'train.csv');
symlinkSync(outside, join(data, 'link'));
symlinkSync(join(outside, 'train.csv'), join(data, 'mixed', 'train-2.csv'));
symlinkSync(join(data, 'salaries.csv'), join(root, 's'));

const OBJECTS = ['s3://texts/open.csv', 's3://texts/secret/train.csv'];
const below = (folder: string): string[] => OBJECTS.filter((name) => name.startsWith(`${folder.replace(/\/$/, '')}/`));
let looked = 0;
addTableSource('s3', {
  stat: (address) => {
    looked++;
    const kind = OBJECTS.includes(address) ? 'file' : below(address).length > 0 ? 'folder' : null;
    return Promise.resolve(kind === null ? null : { kind, sizeBytes: 1, version: '1' });
  },
  read: () => assert.fail('nothing is read'),
  list: (folder) => Promise.resolve(below(folder)),
});

const WIDE = 'text: [text], label: [label], eta: { exponential: 14 }, labels: plain, public: true';
const NARROW = 'text: [text], label: [label], eta: { exponential: 1 }, labels: 1';
const policy = parsePolicy(
  `version: 1
tables:
  - { table: ${data}/, ${WIDE} }
  - { table: ${data}/secret/, ${NARROW} }
  - { table: ${join(root, 's')}, ${NARROW} }
  - { table: "s3://texts/", ${WIDE} }
  - { table: "s3://texts/secret/", ${NARROW} }
answers: [${root}/]
`,
  'policy.yaml',
);

async function allowedFor(train: string, test?: string): Promise<Allowed> {
  const parsed = parseTuningConfig({ data: { train, ...(test !== undefined && { test }) }, privacy: { eta: 14 } });
  assert.ok(parsed.ok);
  return tuningAllowed(policy, parsed.value);
}

test('a wide rule lets its own files go', async () => {
  for (const train of [
    join(data, 'open.csv'),
    join(data, 'set'),
    `${join(data, 'set')}#train`,
    's3://texts/open.csv',
  ]) {
    const { problems, isPublic } = await allowedFor(train);
    assert.deepEqual([problems, isPublic], [[], true], train);
  }
});

/** As the provider may call them. */
const BEHIND: readonly string[] = [
  ...['secret', 'secret/', 'secret#train', 'secret/train.csv', 'salaries.csv', '', '#train', 'set/../secret#train'].map(
    (name) => `${data}/${name}`,
  ),
  data,
  `${data}#train`,
  join(root, 's'),
  ...['secret', 'secret/', 'secret#train', 'secret/train.csv', '', '#train'].map((name) => `s3://texts/${name}`),
  's3://texts',
];
for (const train of BEHIND)
  test(`${train.replace(root, '')} is held to the narrow rules of what it would read`, async () => {
    const eta = /is 14, and the owner's policy allows exponential up to 1 for this table/;
    for (const { problems, isPublic, protectsLabels } of [
      await allowedFor(train),
      await allowedFor(join(data, 'open.csv'), train),
    ]) {
      assert.ok(
        problems.some(({ where, problem }) => where === 'privacy.eta' && eta.test(problem)),
        JSON.stringify(problems),
      );
      assert.deepEqual([isPublic, protectsLabels], [false, true]);
    }
    const asked = parsePredictInput({ run: 'r', in: train, out: join(root, 'a.csv') });
    assert.ok(asked.ok);
    const { problems } = await predictionAllowed(policy, asked.value, {
      mechanism: 'exponential',
      eta: 14,
      columns: { text: 'text' },
    });
    assert.ok(problems.some(({ where }) => where === 'privacy.eta'));
  });

const BEYOND = ['link', 'link#train', 'link/train.csv', 'mixed', 'mixed#train'].map((name) => join(data, name));
for (const train of [
  ...BEYOND,
  outside,
  `${outside}#train`,
  `${data}-2`,
  's3://text',
  'S3://texts/open.csv',
  's3://TEXTS/open.csv',
])
  test(`${train.replace(root, '')} lies nowhere that the policy names`, async () => {
    const { problems } = await allowedFor(train);
    assert.ok(
      problems.some(({ where, problem }) => where === 'data.train' && /^is not among the tables/.test(problem)),
      JSON.stringify(problems),
    );
  });

test('nobody looks into a bucket for who may not', async () => {
  looked = 0;
  await allowedFor('s3://elsewhere/open.csv');
  assert.equal(looked, 0);
});
