/** Why a run, or a prediction, gets no further. */
import { CONTROL_QUEUE, type RunProgress } from '../../contracts/index.ts';
import type { Link } from '../temporal/connection.ts';
import { describe, type Described } from '../temporal/executions.ts';
import { failedAttempt, failedWorkflowTask, isAtWork } from '../temporal/pending-work.ts';
import { abandonedVersion, hasWorker, queueOf } from '../temporal/task-queues.ts';

export const WITHOUT_CONTROL =
  'waits for a control worker; start one with `rapt worker control`, or all with `rapt up`';

/** What a run that says nothing new waits for; null when it is simply at work. */
export async function waitsFor(
  link: Link,
  id: string,
  progress: RunProgress | null,
  tenant: string,
): Promise<string | null> {
  if (progress?.paused === true) return `is paused; \`rapt continue ${id}\` lets it go on`;
  const described = await describe(link, id);
  const failed = await failedWorkflowTask(link, described);
  if (failed !== null) return failed;
  if (progress === null) {
    const buildId = await abandonedVersion(link, described);
    if (buildId !== null)
      return (
        `waits for a control worker of version ${buildId}, to which it belongs; start one, or \`rapt resume ${id}\` ` +
        'goes on with the current version'
      );
    return (await hasWorker(link, CONTROL_QUEUE, 'workflow')) ? null : WITHOUT_CONTROL;
  }
  return waitsOn(link, described, queueOf(progress.stage, tenant));
}

/** Why the work on a queue gets no further: a worker is missing, an attempt failed, or both. Null when it is simply
 *  under way. */
export async function waitsOn(link: Link, described: Described, queue: string): Promise<string | null> {
  const failed = await failedAttempt(link, described);
  if (isAtWork(described) || (await hasWorker(link, queue, 'activity'))) return failed;
  const kind = queue.startsWith('rapt-client-') ? `client --tenant ${queue.slice('rapt-client-'.length)}` : 'gpu';
  const missing =
    `waits for a worker on the task queue ${queue}; start one with \`rapt worker ${kind}\`, or all with \`rapt up\`; ` +
    'if one runs, it is busy with other runs (`rapt list --status running`)';
  return failed === null ? missing : `${failed}; ${missing}`;
}
