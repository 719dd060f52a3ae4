/** Bundles the workflows and replays recorded runs in their sandbox; says how many. */
import { readFileSync } from 'node:fs';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { bundledWorkflows } from '../../workers/bundle.ts';
import { runSinks } from '../../workers/run-sinks.ts';

const RUNS = ['finished', 'predicted', 'cancelled-while-training'];

const logger = new DefaultLogger('ERROR');
Runtime.install({ logger });
const workflowBundle = await bundleWorkflowCode({ ...bundledWorkflows, logger });
for (const run of RUNS)
  await Worker.runReplayHistory(
    { workflowBundle, sinks: runSinks },
    JSON.parse(readFileSync(new URL(`../fixtures/histories/${run}-1.json`, import.meta.url), 'utf8')),
    run,
  );
process.stdout.write(`${RUNS.length} runs replayed\n`);
