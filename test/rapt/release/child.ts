/** Draws a release in a process of its own, to be killed or measured. Arguments: train.csv, folder, milliseconds a
 *  batch, rows a shard. */
import { tuningConfigSchema } from '../../../contracts/index.ts';
import { inspectTables } from '../../../rapt/data/index.ts';
import { drawRelease, hashInputs } from '../../../rapt/release/index.ts';
import { backbone, outputIds, replacing, tokenizer } from './fakes.ts';

const [train = '', folder = '', delayMs = '0', rowsPerShard = '8192'] = process.argv.slice(2);
const config = tuningConfigSchema.parse({ data: { train, testFraction: 0.1 } });
const inspection = await inspectTables(config.data);
const { digest } = await drawRelease({
  config,
  inspection,
  inputs: await hashInputs(inspection.tables),
  folder,
  tokenizer,
  mechanism: replacing(Number(delayMs)),
  outputIds,
  backbone,
  rowsPerShard: Number(rowsPerShard),
});
// maxRSS is in KiB.
process.stdout.write(`${JSON.stringify({ digest, peakRssBytes: process.resourceUsage().maxRSS * 1024 })}\n`);
