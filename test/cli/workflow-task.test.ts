/** A run whose workflow task fails: nothing happens in it, and the server tries again for ever. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { waitsFor } from '../../cli/runs/wait-reason.ts';
import type { Link } from '../../cli/temporal/connection.ts';
import { CONTROL_QUEUE, WORKFLOW_TYPE } from '../../contracts/index.ts';
import { temporalOfFile } from '../support/temporal.ts';

const { address } = await temporalOfFile();

test('says what its workflow task fails by, and nothing before it has failed', { timeout: 120_000 }, async () => {
  const connection = await Connection.connect({ address });
  const { workflowService } = connection;
  const link = {
    client: new Client({ connection }),
    services: { temporal: { namespace: 'default', connection: { address } } },
  } as unknown as Link;
  await link.client.workflow.start(WORKFLOW_TYPE.tuning, { workflowId: 'stuck', taskQueue: CONTROL_QUEUE, args: [{}] });
  const nextTask = () =>
    connection.withDeadline(Date.now() + 60_000, () =>
      workflowService.pollWorkflowTaskQueue({
        namespace: 'default',
        identity: 'control',
        taskQueue: { name: CONTROL_QUEUE },
      }),
    );
  const { taskToken } = await nextTask();
  assert.equal(await waitsFor(link, 'stuck', null, 'local'), null);
  await workflowService.respondWorkflowTaskFailed({
    namespace: 'default',
    identity: 'control',
    taskToken,
    failure: { message: 'RaptEta is not defined' },
  });
  await nextTask();
  assert.match(
    (await waitsFor(link, 'stuck', null, 'local')) ?? '',
    /^the workflow's own task fails, attempt 2: RaptEta is not defined; `rapt doctor` looks for what its server lacks/,
  );
  await connection.close();
});
