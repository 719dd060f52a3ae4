/** A table's texts privatized into another table, for those who send it themselves. */
import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { BadInput, type Sha256 } from '../../contracts/index.ts';
import type { Tokenizer } from '../backbone/index.ts';
import { csvCell, readTable, type Row, type TableColumns } from '../data/index.ts';
import type { Mechanism } from '../privacy/index.ts';
import { sha256File } from '../../system/index.ts';
import { keptTokens } from './truncate.ts';

const BATCH_TOKENS = 16_384;

export interface PrivatizeTableOptions {
  readonly input: string;
  /** .csv: columns row, text, pair (pair tasks), label (if asked for). .jsonl: the token ids as well. */
  readonly output: string;
  readonly columns: TableColumns;
  readonly tokenizer: Pick<Tokenizer, 'encode' | 'decode'>;
  readonly mechanism: Pick<Mechanism, 'privatize'>;
  readonly maxTokens: number;
  /** Called before anything is drawn, to enter the cost; throws when it may not be spent. */
  readonly reserve?: (() => Promise<unknown>) | undefined;
  /** Called with the output's digest and number of tokens before it gets its name. */
  readonly enter?: ((digest: Sha256, tokens: number) => Promise<void>) | undefined;
  readonly onProgress?: ((progress: { rows: number; tokens: number }) => void) | undefined;
}

/** What was privatized. */
export interface PrivatizedTable {
  readonly rows: number;
  readonly tokens: number;
  /** Share of the tokens that stayed themselves. For the data owner: the output does not hold it. */
  readonly unchangedRate: number;
}

interface Pending {
  readonly row: Row;
  readonly text: Int32Array;
  readonly pair: Int32Array;
}

/** Streams: memory does not grow with the table. The output gets its name when whole, and is never drawn a second time.
 *  @throws BadInput as `readTable`, and when the output exists. */
export async function privatizeTable({ input, output, columns, tokenizer, mechanism, maxTokens, reserve, enter, onProgress }: PrivatizeTableOptions): Promise<PrivatizedTable> {
  const asCsv = output.endsWith('.csv');
  if (!asCsv && !output.endsWith('.jsonl')) throw new BadInput([{ where: output, problem: 'must end in .csv or .jsonl' }]);
  if (existsSync(output))
    throw new BadInput([{ where: output, problem: 'exists; the guarantee covers one noisy version of a text, so use that one, or remove it if nobody has seen it' }]);
  await reserve?.();
  const temporary = `${output}.${process.pid}.part`;
  const file = createWriteStream(temporary, { mode: 0o600 });
  const line = asCsv ? csvLine : jsonLine;
  let pending: Pending[] = [];
  let pendingTokens = 0;
  let rows = 0;
  let tokens = 0;
  let unchanged = 0;
  const draw = async (): Promise<void> => {
    const ids = new Int32Array(pendingTokens);
    let end = 0;
    for (const { text, pair } of pending) {
      ids.set(text, end);
      ids.set(pair, end + text.length);
      end += text.length + pair.length;
    }
    const noisy = mechanism.privatize(ids);
    for (let at = 0; at < ids.length; at++) if (ids[at] === noisy[at]) unchanged++;
    let start = 0;
    let lines = '';
    for (const { row, text, pair } of pending) {
      const noisyText = noisy.subarray(start, (start += text.length));
      const noisyPair = noisy.subarray(start, (start += pair.length));
      lines += line({ row: row.number, text: noisyText, pair: row.pair === null ? null : noisyPair, label: row.label }, tokenizer);
    }
    rows += pending.length;
    tokens += ids.length;
    pending = [];
    pendingTokens = 0;
    if (!file.write(lines)) await once(file, 'drain');
    onProgress?.({ rows, tokens });
  };
  try {
    if (asCsv) file.write(`${['row', 'text', ...(columns.pair === undefined ? [] : ['pair']), ...(columns.label === undefined ? [] : ['label'])].join(',')}\r\n`);
    for await (const row of readTable(input, columns)) {
      const { text, pair } = keptTokens(row, tokenizer, maxTokens);
      pending.push({ row, text, pair });
      pendingTokens += text.length + pair.length;
      if (pendingTokens >= BATCH_TOKENS) await draw();
    }
    await draw();
    file.end();
    await once(file, 'close');
    await enter?.((await sha256File(temporary)).sha256, tokens);
    await rename(temporary, output);
  } catch (error) {
    file.destroy();
    await rm(temporary, { force: true });
    throw error;
  }
  return { rows, tokens, unchangedRate: tokens === 0 ? 0 : unchanged / tokens };
}

interface NoisyRow {
  readonly row: number;
  readonly text: Int32Array;
  readonly pair: Int32Array | null;
  readonly label: string | null;
}
type Decoder = Pick<Tokenizer, 'decode'>;

function jsonLine({ row, text, pair, label }: NoisyRow, { decode }: Decoder): string {
  return `${JSON.stringify({
    row,
    text: decode(text),
    input_ids: Array.from(text),
    ...(pair === null ? {} : { pair: decode(pair), pair_ids: Array.from(pair) }),
    ...(label === null ? {} : { label }),
  })}\n`;
}

function csvLine({ row, text, pair, label }: NoisyRow, { decode }: Decoder): string {
  const cells = [String(row), decode(text), ...(pair === null ? [] : [decode(pair)]), ...(label === null ? [] : [label])];
  return `${cells.map(csvCell).join(',')}\r\n`;
}
