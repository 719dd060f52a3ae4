/** Records the history of a path that is new: `node --import tsx test/workflows/record-histories.ts 'its name'`.
 *  Without a name, of every path: only for a change of the workflows that old runs need not survive; otherwise the old
 *  histories are kept, and must replay. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { simpleActivities } from './stub-activities.ts';
import { HISTORIES } from './histories.ts';
import { PATHS } from './run-paths.ts';
import { startWorkflowServer } from './workflow-server.ts';

const asked = process.argv.slice(2);
if (asked.length === 0) rmSync(HISTORIES, { recursive: true, force: true });
mkdirSync(HISTORIES, { recursive: true });
const server = await startWorkflowServer();
for (const { name, activities, walk } of PATHS.filter((path) => asked.length === 0 || asked.includes(path.name))) {
  const stopActivities = await server.activityWorkers({ ...simpleActivities, ...activities?.() });
  const stopControl = await server.controlWorker('recorded');
  const id = name.replaceAll(' ', '-');
  const handles = await walk(server, id);
  for (const [index, handle] of handles.entries()) {
    // Stack traces of workflow failures name files.
    const text = historyToJSON(await handle.fetchHistory()).replaceAll(process.cwd(), '/rapt');
    if (text.includes(hostname())) throw new Error(`the history of ${name} names this machine`);
    writeFileSync(join(HISTORIES, `${id}-${index + 1}.json`), `${JSON.stringify(JSON.parse(text))}\n`);
  }
  process.stdout.write(`${name}\n`);
  await stopControl();
  await stopActivities();
}
await server.stop();
