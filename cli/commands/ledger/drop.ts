/** ledger drop: a reservation is taken back. */
import type { Command } from 'commander';
import { Ledger } from '../../../rapt/ledger/index.ts';
import { printJson, say } from '../../terminal/output.ts';
import { ledgerFolder, type LedgerOptions } from './ledger-options.ts';

export function addTo(ledger: Command): void {
  ledger
    .command('drop')
    .description('take back the cost of a release that was reserved and has not left')
    .argument('<key>', 'as `rapt ledger` names it')
    .addHelpText('after', '\nExample: rapt ledger drop 0f3a5c7e9b1d2f4a6c8e0b2d4f6a8c0e')
    .action(async (key: string, _: object, command: Command) => {
      const { tenant, json } = command.optsWithGlobals<LedgerOptions>();
      await new Ledger(ledgerFolder(tenant)).drop(key);
      if (json) printJson({ dropped: key });
      else say(`release ${key} costs nothing any more`);
    });
}
