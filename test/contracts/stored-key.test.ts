import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ADAPTER_FILES,
  CHECKPOINT_FILES,
  IMPORT_MARK,
  keys,
  parseKey,
  REPORT_FILES,
  type Sha256,
  type StoredKey,
} from '../../contracts/index.ts';

const digest = 'a1'.repeat(32) as Sha256;
const ATTEMPT = '1-0b1c2d3e';
const WORDS = [
  'a',
  'ab',
  'checkpoints',
  'predictions',
  'adapters',
  'reports',
  'releases',
  'runs',
  'latest.json',
  'manifest.json',
  'result.json',
  'state.json',
  'index.html',
  `00000010-${ATTEMPT}`,
  `${digest}.json`,
  digest,
  'two\nlines',
  'ä ?#%2F',
  '..',
];
/** Ids of one to three segments, each a word that the layout itself uses, or a strange one. */
const IDS = WORDS.flatMap((one) => [
  one,
  ...WORDS.flatMap((two) => [`${one}/${two}`, ...WORDS.map((three) => `${one}/${two}/${three}`)]),
]);

/** Every object of a run, and what it is. */
function objectsOf(tenant: string, run: string): [string, StoredKey][] {
  return [
    [keys.checkpointPointer(tenant, run), { kind: 'pointer', tenant, run }],
    [keys.runManifest(tenant, run), { kind: 'manifest', tenant, run }],
    [keys.runResult(tenant, run), { kind: 'result', tenant, run }],
    [keys.predictions(tenant, run, digest), { kind: 'predictions', tenant, run, digest }],
    ...CHECKPOINT_FILES.map((file): [string, StoredKey] => [
      keys.checkpointPrefix(tenant, run, 123_456_789, ATTEMPT) + file,
      { kind: 'checkpoint', tenant, run, step: 123_456_789, attempt: ATTEMPT, file },
    ]),
    ...['index.html', ...REPORT_FILES].map((file): [string, StoredKey] => [
      keys.reportPrefix(tenant, run) + file,
      { kind: 'report', tenant, run, file },
    ]),
  ];
}

test('a key is of the one run and of the one kind that it was made of, whatever the run is called', () => {
  const seen = new Set<string>();
  for (const run of IDS)
    for (const [key, of] of objectsOf('runs', run)) {
      assert.deepEqual(parseKey(key), of);
      assert.ok(!seen.has(key), `${key} is of two runs`);
      seen.add(key);
    }
  assert.equal(seen.size, IDS.length * 10);
});

test('releases and adapters are known by their digest', () => {
  assert.deepEqual(parseKey(`${keys.releasePrefix('t', digest)}train-00000.parquet`), {
    kind: 'release',
    tenant: 't',
    digest,
    file: 'train-00000.parquet',
  });
  for (const file of [...ADAPTER_FILES, IMPORT_MARK])
    assert.deepEqual(parseKey(keys.adapterPrefix('t', digest) + file), { kind: 'adapter', tenant: 't', digest, file });
});

test("a client's mark is of its tenant alone", () => {
  assert.deepEqual(parseKey(keys.client('t')), { kind: 'client', tenant: 't' });
});

test('what has another form is nothing of ours', () => {
  for (const key of [
    '',
    'runs/t/latest.json',
    'runs/t/x/checkpoints/notes.txt',
    'runs/t/x/checkpoints/10-a/state.json',
    'runs/t/x/predictions/x.json',
    'adapters/t/x/rapt.json',
    `adapters/t/${digest}/notes.txt`,
    `releases/${digest}/manifest.json`,
    'models/x/latest.json',
    'releases/client.json',
    'releases/t/x/client.json',
    'adapters/t/client.json',
  ])
    assert.equal(parseKey(key), null, key);
});
