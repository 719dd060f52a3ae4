/** What `pause` and `continue` have in common: they tell a run something and show its answer. */
import type { RunProgress } from '../../contracts/index.ts';
import { withTemporal } from '../temporal/connection.ts';
import { sendUpdate } from '../temporal/executions.ts';
import { printJson, say } from '../terminal/output.ts';

/** @param name of the update. @param told the answer in words, after "run <id>". */
export function update(
  id: string,
  name: string,
  { json }: { json?: true },
  told: (progress: RunProgress) => string,
): Promise<void> {
  return withTemporal(async (link) => {
    const progress = await sendUpdate(link, id, name);
    if (json) printJson({ workflowId: id, ...progress });
    else say(`run ${id} ${told(progress)}`);
  });
}
