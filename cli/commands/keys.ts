/** keys: what payloads on Temporal are encrypted with, and what the data owner seals with. */
import type { Command } from 'commander';
import { addTo as addAdd } from './keys/add.ts';
import { addTo as addList } from './keys/list.ts';
import { addTo as addMerge } from './keys/merge.ts';
import { addTo as addOwner } from './keys/owner.ts';
import { addTo as addSplit } from './keys/split.ts';
import { addTo as addUse } from './keys/use.ts';

const DESCRIPTION =
  'the keys with which payloads are encrypted before the Temporal server gets them, ' +
  'and with which their owner seals what the provider need not know';
const HELP =
  '\nRotation: `rapt keys add`, bring the file to every process, then `rapt keys use ID`, and bring it there again. ' +
  'Keep old keys for as long as histories are kept.\n' +
  'Example: rapt keys list\n' +
  '         rapt keys split --tenant acme --out keys';

export function addTo(program: Command): void {
  const keys = program
    .command('keys')
    .description(DESCRIPTION)
    .option('--file <path>', 'file that holds them; default: RAPT_CODEC_KEYS_FILE, else that of the local stack')
    .addHelpText('after', HELP);
  for (const addChild of [addList, addAdd, addUse, addOwner, addSplit, addMerge]) addChild(keys);
}
