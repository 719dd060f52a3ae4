/** Starting a workflow, with the owner's word for what it does. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import {
  BadInput,
  CONTROL_QUEUE,
  idProblems,
  WORKFLOW_TYPE,
  type PredictInput,
  type TuningConfig,
} from '../../contracts/index.ts';
import { requireServer } from '../../infra/index.ts';
import { assertEncrypts } from '../../settings/index.ts';
import type { Link } from '../temporal/connection.ts';
import { giveWord } from './owner-word.ts';

export interface StartOptions {
  /** Whether the client's policy decides alone. Otherwise a command on the client's machine gives the owner's word. */
  readonly byPolicy?: boolean | undefined;
}

/** Starts a workflow, unless there is one of this id, running or ended. @returns whether it was started.
 *  @throws RaptError when the server lacks something without which the run would hang. */
export async function startWorkflow(
  { client, services }: Link,
  type: string,
  workflowId: string,
  input: TuningConfig | PredictInput,
  { byPolicy }: StartOptions = {},
): Promise<boolean> {
  const problems = idProblems(workflowId, type === WORKFLOW_TYPE.tuning ? 'run' : 'prediction', workflowId);
  if (problems.length > 0) throw new BadInput(problems);
  await requireServer(client.connection, services.temporal);
  assertEncrypts(services);
  // The word is given before the start: the client worker may look for it at once.
  if (!byPolicy) await giveWord(workflowId, input);
  try {
    await client.workflow.start(type, {
      workflowId,
      taskQueue: CONTROL_QUEUE,
      args: [input],
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
    });
    return true;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return false;
  }
}
