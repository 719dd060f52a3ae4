/** A table's texts privatized into another table, and entered in the ledger. */
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BadInput } from '../../contracts/index.ts';
import type { PublicBackbone } from '../backbone/index.ts';
import { readTable, type TableColumns } from '../data/index.ts';
import { clientSecret, Ledger } from '../ledger/index.ts';
import type { Mechanism } from '../privacy/index.ts';
import {
  assertUnchanged,
  fileKey,
  hashInput,
  keptTokens,
  outputProblem,
  privatizeTable,
  type PrivatizedTable,
} from '../release/index.ts';
import { clientHome, tenantFolder } from '../home.ts';
import { reserve, type DueRelease } from './reserve.ts';

/** Which table is privatized, into which file, by what. */
export interface PrivatizeOptions {
  /** The table: .csv, .tsv, .jsonl, each also .gz, .parquet, .arrow or .feather. */
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
  /** Stops within a batch. Nothing of the output stays, and nothing is spent. */
  readonly signal?: AbortSignal | undefined;
}

/** Privatizes a table. The output is a release of its own: its cost is entered in the ledger before anything is drawn,
 *  and counted against the budgets. A try that was killed before its table was whole has paid for the next one. Memory
 *  does not grow with the table.
 *  @param options which table, into which file, by what.
 *  @throws BadInput when the table cannot be read or the output exists; RaptError budgetExceeded when less is left than
 *  this would cost; the signal's reason. What was drawn is removed then, so its cost is taken back. */
export async function privatize({
  input,
  output,
  columns = { text: 'text' },
  backbone,
  mechanism,
  maxTokens = 64,
  tenant = 'local',
  home = clientHome(),
  onProgress,
  signal,
}: PrivatizeOptions): Promise<PrivatizedTable> {
  const problem = outputProblem(output);
  if (problem !== null) throw new BadInput([{ where: output, problem }]);
  const { tokenizer, table } = backbone;
  const { name, eta } = mechanism;
  const folder = tenantFolder(home, tenant);
  const file = await hashInput(input);
  const secret = await clientSecret(folder);
  const ledger = new Ledger(folder);
  const settings = {
    tenant,
    input: file,
    output: resolve(output),
    columns,
    maxTokens,
    drawnBy: { mechanism: name, eta, table },
  };
  const localKey = await unreleasedKey(ledger, (number) => fileKey(settings, number, secret));
  const due: DueRelease = {
    localKey,
    tenant,
    run: 'rapt privatize',
    purpose: 'file',
    mechanism: name,
    eta,
    labelEpsilon: null,
    // The label column is copied as it is.
    labels: columns.label === undefined ? 'none' : 'plain',
    table: table.sha256,
    budget: {},
    rows: () => readTable(input, columns),
    tokens: (row) => keptTokens(row, tokenizer, maxTokens),
  };
  // A try that was killed has left what its tokens' tables took to make.
  const tablesFolder = join(folder, 'tables', localKey);
  let reserved = false;
  try {
    return await privatizeTable({
      input,
      output,
      columns,
      tokenizer,
      mechanism,
      maxTokens,
      reserve: async () => {
        await reserve(folder, secret, due, false, signal);
        reserved = true;
        await mechanism.keepTables(tablesFolder, signal);
      },
      enter: async (digest, count) => {
        // Rows that came since would leave without a cost.
        await assertUnchanged(file);
        await ledger.release(localKey, digest, count);
      },
      onProgress,
      signal,
    });
  } catch (error) {
    // The ledger itself refuses this once the output was entered as one that leaves.
    if (reserved as boolean) await ledger.drop(localKey).catch(() => undefined);
    throw error;
  } finally {
    await rm(tablesFolder, { recursive: true, force: true });
  }
}

/** The first version of this table that has not left: reserved by a try that was killed, or new. */
async function unreleasedKey(ledger: Ledger, keyOf: (number: number) => string): Promise<string> {
  const left = new Set(
    (await ledger.releases()).flatMap(({ localKey, released }) => (released === null ? [] : [localKey])),
  );
  let number = 0;
  while (left.has(keyOf(number))) number++;
  return keyOf(number);
}
