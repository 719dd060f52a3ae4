import assert from 'node:assert/strict';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { createClientActivities, type ClientDependencies } from '../../activities/client/index.ts';
import { OWNERS_WORD } from '../support/owners-word.ts';
import { inspect } from '../../activities/client/inspect.ts';
import { DEFAULT_BACKBONE, parseTuningConfig } from '../../contracts/index.ts';
import { cacheFolder } from '../../rapt/cache.ts';
import { tenantFolder } from '../../rapt/home.ts';
import { approve } from '../../rapt/policy/index.ts';
import { temporaryFolder } from '../support/folder.ts';

const home = temporaryFolder();
writeFileSync(
  join(home, 'texts.csv'),
  `text,label\n${Array.from({ length: 20 }, (_, row) => `text number ${row},${row % 2}`).join('\n')}\n`,
);

/** In which no client has left its mark. */
const unmarked = { read: () => Promise.resolve(null) } as unknown as ClientDependencies['store'];

async function shown(backbone: string): Promise<string | undefined> {
  const parsed = parseTuningConfig({ data: { train: join(home, 'texts.csv') }, backbone });
  assert.ok(parsed.ok);
  return (await inspect({ store: unmarked, home }, { run: 'x', config: parsed.value, admission: OWNERS_WORD }))
    .backbone;
}

test('what was left out and what the backbone does not know is told in sentences, without a name', async () => {
  const table = join(home, 'geheim.csv');
  const thai = Array.from(
    { length: 50 },
    (_, row) => `ภาพยนตร์เรื่องนี้สนุกมาก 🎬${row},${row === 7 ? '' : row === 6 ? 'alone' : row % 2}`,
  );
  writeFileSync(table, `Beschwerde,Urteil\n${thai.join('\n')}\n`);
  const parsed = parseTuningConfig({ data: { train: table, textColumn: 'Beschwerde', labelColumn: 'Urteil' } });
  assert.ok(parsed.ok);
  const { notes = [], rows } = await inspect(
    { store: unmarked, home },
    { run: 'x', config: parsed.value, admission: OWNERS_WORD },
  );
  assert.equal(rows.train + rows.test, 49);
  assert.deepEqual(notes.slice(0, 2), [
    '1 row has no label and is left out',
    '1 row stays in training that would be held out, since no other training row has its class',
  ]);
  assert.match(notes[2] ?? '', /^\d{2,3} % of the tokens are unknown to the backbone, which cannot tell them apart; /);
  assert.match(notes[2] ?? '', /; a multilingual one knows more, such as /);
  assert.equal(notes.length, 3);
  assert.doesNotMatch(notes.join(), /geheim|Beschwerde|Urteil|alone/);
});

test('a backbone is named by its public name alone, and a folder not even where it looks like one', async () => {
  const provided = join(cacheFolder(), 'backbones', DEFAULT_BACKBONE);
  mkdirSync(join(home, 'patients'));
  cpSync(provided, join(home, 'patients', 'model'), { recursive: true });
  const before = process.cwd();
  process.chdir(home);
  try {
    for (const folder of ['patients/model', './patients/model', join(home, 'patients', 'model')])
      assert.equal(await shown(folder), 'folder', folder);
    assert.equal(await shown(DEFAULT_BACKBONE), DEFAULT_BACKBONE);
    symlinkSync(join(home, 'patients', 'model'), join(home, DEFAULT_BACKBONE));
    assert.equal(await shown(DEFAULT_BACKBONE), 'folder');
  } finally {
    process.chdir(before);
  }
});

test('a worker that is told to stop does not wait for the end of the tables', async () => {
  const parsed = parseTuningConfig({ data: { train: join(home, 'texts.csv') } });
  assert.ok(parsed.ok);
  const cancelled = new CancelledFailure('WORKER_SHUTDOWN');
  const stopped = Promise.reject(cancelled);
  stopped.catch(() => undefined);
  const info = {
    attempt: 1,
    currentAttemptScheduledTimestampMs: Date.now(),
    taskQueue: 'rapt-client-local',
    workflowExecution: { workflowId: 'stopped', runId: 'r' },
  };
  const temporal = { workflow: { getHandle: () => ({ signal: () => Promise.resolve() }) } };
  const context = {
    client: temporal,
    info,
    heartbeat: () => undefined,
    log: { info: () => undefined },
    cancelled: stopped,
    cancellationSignal: AbortSignal.abort(cancelled),
  } as unknown as Context;
  const activities = createClientActivities({ store: null as never, home, tenant: 'local' });
  await approve(tenantFolder(home, 'local'), { type: 'tuning', id: 'stopped', request: parsed.value });
  await assert.rejects(
    asyncLocalStorage.run(context, () => activities.inspect({ run: 'stopped', config: parsed.value })),
    cancelled,
  );
});
