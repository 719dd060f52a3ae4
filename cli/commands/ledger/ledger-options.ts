/** Options of `ledger` that hold for the commands below it too. */
import { clientHome, tenantFolder } from '../../../rapt/home.ts';

export interface LedgerOptions {
  readonly tenant: string;
  readonly json?: true;
}

/** The folder on this client in which a tenant's ledger lies. */
export const ledgerFolder = (tenant: string): string => tenantFolder(clientHome(), tenant);
