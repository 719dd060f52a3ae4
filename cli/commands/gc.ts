/** gc: objects in the store to which no run refers. */
import type { Command } from 'commander';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { createMinioStore, findGarbage, removeGarbage } from '../../storage/index.ts';
import { withTemporal, type Link } from '../temporal/connection.ts';
import { openRuns } from '../temporal/executions.ts';
import { print, printJson, say } from '../terminal/output.ts';

interface GcOptions {
  readonly olderThan: string;
  readonly dryRun?: true;
  readonly json?: true;
}

const DAY_MS = 24 * 3600 * 1000;

const DESCRIPTION =
  'remove what no run refers to: checkpoints, releases and adapters of runs that came to nothing, ' +
  'parts of unfinished uploads';

export function addTo(program: Command): void {
  program
    .command('gc')
    .description(DESCRIPTION)
    .option('--older-than <days>', 'leave alone what is younger', '1')
    .option('--dry-run', 'only say what would be removed')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nWhatever a run that has not ended may need stays. Example: rapt gc --dry-run')
    .action((options: GcOptions) => withTemporal((link) => collectGarbage(link, options)));
}

async function collectGarbage(link: Link, { olderThan, dryRun, json }: GcOptions): Promise<void> {
  const days = Number(olderThan);
  if (olderThan.trim() === '' || !(days >= 0))
    throw new RaptError(ErrorKind.badInput, `--older-than: must be a number of days, not "${olderThan}"`);
  const store = createMinioStore(link.services.storeFor({ kind: 'operator' }));
  const beforeMs = Date.now() - days * DAY_MS;
  const garbage = await findGarbage(store, { beforeMs, openRuns: () => openRuns(link) });
  const removed = dryRun === undefined;
  if (removed) await removeGarbage(store, garbage);
  const { objects, uploads, examined } = garbage;
  const bytes = objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (json) {
    const keysOf = (found: readonly { readonly key: string }[]): string[] => found.map(({ key }) => key);
    printJson({ removed, examined, objects: keysOf(objects), uploads: keysOf(uploads), bytes });
    return;
  }
  for (const { key } of [...objects, ...uploads]) print(key);
  const what = `${objects.length} of ${examined} objects (${(bytes / 2 ** 20).toFixed(1)} MiB)`;
  say(`${removed ? 'removed' : 'would remove'} ${what} and ${uploads.length} unfinished uploads`);
}
