/** credentials lenders: the store's users in whose names keys are lent. */
import type { Command } from 'commander';
import { knownLenderSecret, lenderFile, resolveAdministration } from '../../../settings/index.ts';
import { findLenders, removeLender } from '../../../storage/index.ts';
import { print, printJson, say, table } from '../../terminal/output.ts';

const HELP = `
An issuer removes its own of before when it starts, and leaves those of other issuers alone.
Example: rapt credentials lenders`;

export function addTo(credentials: Command): void {
  credentials
    .command('lenders')
    .description("the store's users in whose names keys are lent to the bucket; with the keys that may do everything")
    .option('--remove <name>', 'remove this one: whatever was lent in its name ends at once')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(showOrRemove);
}

async function showOrRemove({ remove, json }: { remove?: string; json?: true }): Promise<void> {
  const administration = resolveAdministration();
  if (remove !== undefined) {
    await removeLender(administration, remove);
    if (json) printJson({ removed: remove });
    else say(`removed ${remove}: what was lent in its name has ended`);
    return;
  }
  const lenders = await findLenders(administration, knownLenderSecret(lenderFile()));
  if (json) {
    printJson({ bucket: administration.bucket, ...lenders });
    return;
  }
  const { own, earlier, ofEarlierVersions, ofOthers } = lenders;
  const told = [
    ...(own === null ? [] : [[own, 'of this issuer']]),
    ...earlier.map((name) => [name, 'of this issuer, under another password; ends when it starts again']),
    ...ofEarlierVersions.map((name) => [name, 'of an earlier version; ends when this issuer starts']),
    ...ofOthers.map((name) => [name, 'of another issuer']),
  ];
  if (told.length === 0) say(`nobody lends keys to the bucket ${administration.bucket}`);
  else print(table(told));
}
