/** ledger adopt: this client takes over a tenant whose texts another client has released. */
import type { Command } from 'commander';
import { clientHome } from '../../../rapt/home.ts';
import { resolveStore } from '../../../settings/index.ts';
import { printJson, say } from '../../terminal/output.ts';
import type { LedgerOptions } from './ledger-options.ts';

const WHAT_IT_MEANS =
  "What the other client has released is not in this one's ledger: no budget counts it, " +
  'and texts that left there are drawn a second time here,\n' +
  'which adds to what is known of them. From now on the other client is refused.';
const HELP = `
${WHAT_IT_MEANS}
To move with the ledger, copy the folder of the tenant in the other client's home to this one's instead.
Example: rapt ledger adopt --tenant acme`;

export function addTo(ledger: Command): void {
  ledger
    .command('adopt')
    .description("let this client release a tenant's texts, which another client has released before")
    .addHelpText('after', HELP)
    .action((_: object, command: Command) => adopt(command.optsWithGlobals<LedgerOptions>()));
}

async function adopt({ tenant, json }: LedgerOptions): Promise<void> {
  const { adoptTenant } = await import('../../../activities/client/index.ts');
  const { createMinioStore } = await import('../../../storage/index.ts');
  const store = createMinioStore(resolveStore({ kind: 'client', tenant }));
  const adopted = await adoptTenant({ store, home: clientHome() }, tenant);
  if (json) printJson({ tenant, adopted });
  else if (adopted) say(`tenant ${tenant} is this client's now. ${WHAT_IT_MEANS}`);
  else say(`tenant ${tenant} is this client's; no other has released its texts`);
}
