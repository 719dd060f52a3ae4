/** A table's texts privatized into another table, and entered in the ledger. */
import { randomBytes } from 'node:crypto';
import type { PublicBackbone } from '../backbone/index.ts';
import { readTable, type TableColumns } from '../data/index.ts';
import { clientSecret, Ledger } from '../ledger/index.ts';
import type { Mechanism } from '../privacy/index.ts';
import { privatizeTable, type PrivatizedTable } from '../release/index.ts';
import { clientHome, tenantFolder } from '../home.ts';
import { reserve } from './reserve.ts';

/** Which table is privatized, into which file, by what. */
export interface PrivatizeOptions {
  /** The table: .csv, .tsv, .jsonl, each also .gz, .parquet or .arrow. */
  readonly input: string;
  /** Where the privatized table goes: .csv, or .jsonl with the token ids. It must not exist. */
  readonly output: string;
  /** Default: the texts are in the column `text`. A label column is copied as it is; without it labels are left out. */
  readonly columns?: TableColumns | undefined;
  readonly backbone: PublicBackbone;
  readonly mechanism: Mechanism;
  /** Tokens kept of each row. Default 64. */
  readonly maxTokens?: number | undefined;
  /** In whose ledger it is entered. Default: local. */
  readonly tenant?: string | undefined;
  /** Where releases and ledgers of all tenants lie. Default: this machine's, as the command `rapt` has it. */
  readonly home?: string | undefined;
  /** Called after each batch, with all that is done so far. */
  readonly onProgress?: ((progress: { readonly rows: number; readonly tokens: number }) => void) | undefined;
}

/** Privatizes a table. The output is a release of its own: its cost is entered in the ledger before anything is drawn, and counted against the budgets.
 *  Memory does not grow with the table.
 *  @param options which table, into which file, by what.
 *  @throws BadInput when the table cannot be read or the output exists; RaptError budgetExceeded when less is left than this would cost. */
export async function privatize({ input, output, columns = { text: 'text' }, backbone, mechanism, maxTokens = 64, tenant = 'local', home = clientHome(), onProgress }: PrivatizeOptions): Promise<PrivatizedTable> {
  const { tokenizer, table } = backbone;
  const folder = tenantFolder(home, tenant);
  const localKey = randomBytes(16).toString('hex');
  const due = { localKey, tenant, run: 'rapt privatize', purpose: 'file', mechanism: mechanism.name, eta: mechanism.eta, labelEpsilon: null, table: table.sha256, budget: {}, rows: () => readTable(input, columns) } as const;
  return privatizeTable({
    input,
    output,
    columns,
    tokenizer,
    mechanism,
    maxTokens,
    reserve: async () => reserve(folder, await clientSecret(folder), due, false),
    enter: (digest, count) => new Ledger(folder).release(localKey, digest, count),
    onProgress,
  });
}
