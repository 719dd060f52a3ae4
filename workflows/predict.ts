/** raptPredict: classifies new texts, which are privatized on the client first. */
import { setWorkflowOptions, workflowInfo } from '@temporalio/workflow';
import { parsePredictInput } from '../contracts/index.ts';
import type { FinishedPrediction } from '../contracts/index.ts';
import { clientActivities, gpuActivities } from './activity-calls.ts';
import { accepted, acceptId } from './refusal.ts';

/** Classifies the rows of a table with the adapter of a finished run. The rows are privatized in the same way as the
 *  run's training texts, and the answers are written beside them on the client. A wrong input fails at once, with all
 *  that is wrong in it. */
export async function raptPredict(input: unknown): Promise<FinishedPrediction> {
  const { run, tenant, in: table, out, textColumn, pairColumn, labelColumn } = accepted(parsePredictInput(input));
  acceptId('prediction');
  const prediction = workflowInfo().workflowId;
  const client = clientActivities(tenant);
  const prepared = await client.release.preparePrediction.executeWithOptions(
    { summary: 'privatize and upload the texts' },
    [{ tenant, run, prediction, in: table, out, textColumn, pairColumn, labelColumn }],
  );
  const { release, adapter, backbone } = prepared;
  const { predictions } = await gpuActivities.inference.predict.executeWithOptions({ summary: 'classify the texts' }, [
    { run: prediction, tenant, backbone, release, adapter },
  ]);
  return client.results.finishPrediction.executeWithOptions({ summary: 'write the answers beside the texts' }, [
    { prepared, predictions, out },
  ]);
}
setWorkflowOptions({ versioningBehavior: 'PINNED' }, raptPredict);
