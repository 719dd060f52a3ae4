/** The owner's word is given by the command on their machine. The provider holds the server: its history, and which
 *  runs it says there are. The provider would have the word given for settings of its own, put a run of its own in the
 *  place of one that the owner means, or use a word for another table than it was given for. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { defaultPayloadConverter } from '@temporalio/common';
import { admitPrediction, admitRun } from '../../activities/client/admission/guard.ts';
import { writeImportRecord, writeStartedRecord } from '../../activities/client/records/run-record.ts';
import { planExtension, planResumption } from '../../cli/runs/plan.ts';
import type { Link } from '../../cli/temporal/connection.ts';
import { giveWord } from '../../cli/runs/owner-word.ts';
import {
  parsePredictInput,
  parseTuningConfig,
  type PredictInput,
  type TuningConfig,
  type TuningInput,
} from '../../contracts/index.ts';
import { clientHome } from '../../rapt/home.ts';
import { policyFile } from '../../rapt/policy/index.ts';
import { temporaryFolder } from '../support/folder.ts';

const folder = temporaryFolder();
process.env['RAPT_HOME'] = join(folder, 'home');
const home = clientHome();
const client = { home, tenant: 'local' };
const [reviews, salaries] = ['reviews.csv', 'salaries.csv'].map((name) => join(folder, name)) as [string, string];

before(() => {
  mkdirSync(home, { recursive: true });
  for (const table of [reviews, salaries]) writeFileSync(table, 'text,label\na,0\nb,1\n');
  writeFileSync(
    policyFile(home),
    `version: 1\ntables: [{ table: ${folder}/, public: true, text: [text], label: [label], eta: { exponential: ` +
      `100000 }, labels: plain }]\nanswers: [${folder}]\n`,
  );
});

function configOf(input: TuningInput): TuningConfig {
  const parsed = parseTuningConfig(input);
  assert.ok(parsed.ok);
  return parsed.value;
}

function questionOf(run: string): PredictInput {
  const parsed = parsePredictInput({ run, in: salaries, out: join(folder, 'answers.csv') });
  assert.ok(parsed.ok);
  return parsed.value;
}

const own = configOf({ data: { train: reviews }, privacy: { eta: 8 } });
const forged = configOf({
  data: { train: salaries, labelColumn: 'text', textColumn: 'label' },
  privacy: { mechanism: 'none' },
});

/** A server whose history says what the provider likes. */
function serverThatTells(status: string): Link {
  const payload = defaultPayloadConverter.toPayload(forged);
  const started = { workflowExecutionStartedEventAttributes: { input: { payloads: [payload] } } };
  return {
    services: { temporal: { namespace: 'default' } },
    client: {
      options: { loadedDataConverter: { payloadConverter: defaultPayloadConverter, payloadCodecs: [] } },
      workflow: {
        getHandle: () => ({
          describe: () => Promise.resolve({ type: 'raptTuning', status: { name: status }, raw: {} }),
        }),
      },
      workflowService: { getWorkflowExecutionHistory: () => Promise.resolve({ history: { events: [started] } }) },
    },
  } as unknown as Link;
}

for (const [what, plan] of [
  ['resumed', (id: string) => planResumption(serverThatTells('FAILED'), id, {})],
  ['extended', (id: string) => planExtension(serverThatTells('COMPLETED'), id, 1, {})],
] as const) {
  test(`a run that is ${what} goes on with the settings that the owner gave their word for`, async () => {
    await giveWord('nightly', own);
    const planned = await plan('nightly');
    assert.ok('config' in planned);
    const { data, privacy } = planned.config;
    assert.deepEqual([data, privacy, planned.byPolicy], [own.data, own.privacy, false]);
  });

  test(`a run that is ${what} and that the owner has not started here has no word`, async () => {
    await writeStartedRecord(home, { run: 'strange', config: forged });
    for (const id of ['strange', 'stranger']) {
      const planned = await plan(id);
      assert.ok('config' in planned);
      assert.equal(planned.byPolicy, true);
    }
  });
}

test('under a name that the owner has used, nothing else is done, though the policy would allow it', async () => {
  await giveWord('mine', own);
  assert.notEqual((await admitRun(client, { run: 'mine', config: own })).admission.word, null);
  const allowed = { ...own, privacy: { ...own.privacy, eta: 1000 } };
  await assert.rejects(
    admitRun(client, { run: 'mine', config: allowed }),
    /the owner started mine here with other settings/,
  );
  assert.equal((await admitRun(client, { run: 'theirs', config: allowed })).admission.word, null);
});

test('under the name of an imported adapter no run is taken, whose record would be asked in its place', async () => {
  const imported = { config: own, adapter: { digest: 'a'.repeat(64), files: {} } } as never;
  mkdirSync(join(home, 'local', 'runs', 'ours'), { recursive: true });
  await writeImportRecord(home, 'local', 'ours', imported);
  await assert.rejects(
    admitRun(client, { run: 'ours', config: own }),
    /ours is the name of an adapter that was imported/,
  );
});

test('a prediction leaves by the mechanism and eta that its owner was told, or not at all', async () => {
  const columns = { text: 'text' };
  await giveWord('unknown-predict-1', questionOf('unknown'));
  const unknown = admitPrediction(client, { ...questionOf('unknown'), prediction: 'unknown-predict-1' });
  assert.equal(
    (await unknown.admit({ mechanism: 'exponential', eta: 8, columns })).word,
    null,
    'of a run that nobody knows here',
  );
  const asked = questionOf('ours');
  await giveWord('ours-predict-1', asked);
  const { admit } = admitPrediction(client, { ...asked, prediction: 'ours-predict-1' });
  assert.notEqual((await admit({ mechanism: 'exponential', eta: 8, columns })).word, null);
  await assert.rejects(admit({ mechanism: 'exponential', eta: 100_000, columns }), /another mechanism or eta than/);
  await assert.rejects(admit({ mechanism: 'none', eta: null, columns }), /another mechanism or eta than/);
  const other = { ...asked, in: reviews };
  await assert.rejects(
    admitPrediction(client, { ...other, prediction: 'ours-predict-1' }).admit({
      mechanism: 'exponential',
      eta: 8,
      columns,
    }),
    /the owner started ours-predict-1 here with other settings/,
  );
});
