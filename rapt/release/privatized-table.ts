/** A table's texts privatized into another table, for those who send it themselves. */
import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { BadInput, type Sha256 } from '../../contracts/index.ts';
import type { Tokenizer } from '../backbone/index.ts';
import { csvCell, readTable, type Row, type TableColumns } from '../data/index.ts';
import type { Mechanism } from '../privacy/index.ts';
import { fileProblem, sha256File, writeWholeFile } from '../../system/index.ts';
import { Turns } from '../turns.ts';
import { Batch, countEqual } from './batch.ts';
import { keptTokens } from './truncate.ts';

export interface PrivatizeTableOptions {
  readonly input: string;
  /** .csv: columns row, text, pair (pair tasks), label (if asked for). .jsonl: the token ids as well. */
  readonly output: string;
  readonly columns: TableColumns;
  readonly tokenizer: Pick<Tokenizer, 'encode' | 'decode'>;
  readonly mechanism: Pick<Mechanism, 'privatizeInTurns' | 'batchTokens'>;
  readonly maxTokens: number;
  /** Called before anything is drawn, to enter the cost; throws when it may not be spent. */
  readonly reserve?: (() => Promise<unknown>) | undefined;
  /** Called with the output's digest and number of tokens before it gets its name. */
  readonly enter?: ((digest: Sha256, tokens: number) => Promise<void>) | undefined;
  readonly onProgress?: ((progress: { rows: number; tokens: number }) => void) | undefined;
  /** Stops within a batch; nothing of the output stays. */
  readonly signal?: AbortSignal | undefined;
}

/** What was privatized. */
export interface PrivatizedTable {
  readonly rows: number;
  readonly tokens: number;
  /** Share of the tokens that stayed themselves. For the data owner: the output does not hold it. */
  readonly unchangedRate: number;
}

/** A row that waits, without its texts, which may be long. */
interface Waiting extends Pick<Row, 'number' | 'label'> {
  readonly hasPair: boolean;
}
type TextBatch = Batch<Waiting, readonly [text: Int32Array, pair: Int32Array]>;

interface Counts {
  rows: number;
  tokens: number;
  unchanged: number;
}

const ENDINGS = ['.csv', '.jsonl'];

/** Why a privatized table cannot go there, as a sentence about the file; null when it can. */
export function outputProblem(output: string): string | null {
  if (!ENDINGS.includes(extname(output))) return `must end in ${ENDINGS.join(' or ')}`;
  if (existsSync(output))
    return (
      'exists; the guarantee covers one noisy version of a text, so use that one, or remove it if nobody has ' +
      'seen it'
    );
  return fileProblem(output);
}

/** Streams: memory does not grow with the table. The output gets its name when whole, and is never drawn a second time.
 *  @throws BadInput as `readTable`, and when the output exists or cannot be written, before anything is reserved. */
export async function privatizeTable(options: PrivatizeTableOptions): Promise<PrivatizedTable> {
  const { output, reserve, enter, signal } = options;
  const problem = outputProblem(output);
  if (problem !== null) throw new BadInput([{ where: output, problem }]);
  await reserve?.();
  const counts: Counts = { rows: 0, tokens: 0, unchanged: 0 };
  const beforeName = enter && (async (whole: string) => enter((await sha256File(whole)).sha256, counts.tokens));
  await writeWholeFile(output, noisyLines(options, counts), { signal, beforeName });
  const { rows, tokens, unchanged } = counts;
  return { rows, tokens, unchangedRate: tokens === 0 ? 0 : unchanged / tokens };
}

async function* noisyLines(options: PrivatizeTableOptions, counts: Counts): AsyncGenerator<string> {
  const { input, output, columns, tokenizer, mechanism, maxTokens, signal } = options;
  const turns = new Turns(signal);
  const batch: TextBatch = new Batch(mechanism.batchTokens);
  if (isCsv(output)) yield csvHead(columns);
  for await (const { number, text, pair, label } of readTable(input, columns)) {
    const kept = keptTokens({ text, pair }, tokenizer, maxTokens);
    batch.add({ number, label, hasPair: pair !== null }, [kept.text, kept.pair]);
    if (turns.due) await turns.next();
    if (batch.isFull) yield await drawBatch(batch, options, counts, turns);
  }
  yield await drawBatch(batch, options, counts, turns);
}

/** The lines of the rows that wait. */
async function drawBatch(
  batch: TextBatch,
  { output, tokenizer, mechanism, onProgress, signal }: PrivatizeTableOptions,
  counts: Counts,
  turns: Turns,
): Promise<string> {
  const line = isCsv(output) ? csvLine : jsonLine;
  const ids = batch.waiting();
  const noisy = await mechanism.privatizeInTurns(ids, signal);
  const rows = batch.take(noisy);
  let lines = '';
  for (const { row, parts } of rows) {
    const [text, pair] = parts;
    lines += line({ row: row.number, text, pair: row.hasPair ? pair : null, label: row.label }, tokenizer);
    if (turns.due) await turns.next();
  }
  counts.rows += rows.length;
  counts.tokens += ids.length;
  counts.unchanged += countEqual(ids, noisy);
  onProgress?.({ rows: counts.rows, tokens: counts.tokens });
  return lines;
}

const isCsv = (output: string): boolean => output.endsWith('.csv');

interface NoisyRow {
  readonly row: number;
  readonly text: Int32Array;
  readonly pair: Int32Array | null;
  readonly label: string | null;
}
type Decoder = Pick<Tokenizer, 'decode'>;

/** Of a text without any token, such as one of white space that is not seen, there is nothing to decode. */
const wordsOf = (ids: Int32Array, { decode }: Decoder): string => (ids.length === 0 ? '' : decode(ids));

function jsonLine({ row, text, pair, label }: NoisyRow, decoder: Decoder): string {
  return `${JSON.stringify({
    row,
    text: wordsOf(text, decoder),
    input_ids: Array.from(text),
    ...(pair === null ? {} : { pair: wordsOf(pair, decoder), pair_ids: Array.from(pair) }),
    ...(label === null ? {} : { label }),
  })}\n`;
}

function csvHead({ pair, label }: TableColumns): string {
  const names = ['row', 'text', ...(pair === undefined ? [] : ['pair']), ...(label === undefined ? [] : ['label'])];
  return `${names.join(',')}\r\n`;
}

function csvLine({ row, text, pair, label }: NoisyRow, decoder: Decoder): string {
  const cells = [
    String(row),
    wordsOf(text, decoder),
    ...(pair === null ? [] : [wordsOf(pair, decoder)]),
    ...(label === null ? [] : [label]),
  ];
  return `${cells.map(csvCell).join(',')}\r\n`;
}
