/** credentials: who may get which keys for the object store. */
import type { Command } from 'commander';
import { addTo as addGrant } from './credentials/grant.ts';
import { addTo as addLenders } from './credentials/lenders.ts';
import { addTo as addList } from './credentials/list.ts';
import { addTo as addRevoke } from './credentials/revoke.ts';

const HELP = `
A token stands for one role. To replace one: grant another, bring it to the worker, revoke the old.
Example: rapt credentials list`;

export function addTo(program: Command): void {
  const credentials = program
    .command('credentials')
    .description('who gets which keys for the object store from `rapt credential-server`')
    .option('--grants <file>', 'file of the grants; default: RAPT_S3_GRANTS_FILE, else that of the local stack')
    .addHelpText('after', HELP);
  for (const addChild of [addList, addGrant, addRevoke, addLenders]) addChild(credentials);
}
