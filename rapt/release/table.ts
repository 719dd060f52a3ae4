/** A table's texts privatized into another table, for those who send it themselves. */
import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { BadInput, type Sha256 } from '../../contracts/index.ts';
import type { Tokenizer } from '../backbone/index.ts';
import { csvCell, readTable, type Row, type TableColumns } from '../data/index.ts';
import type { Mechanism } from '../privacy/index.ts';
import { fileProblem, sha256File, writeWholeFile } from '../../system/index.ts';
import { Turns } from '../turns.ts';
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

/** Without the texts, which may be long. */
interface Pending extends Pick<Row, 'number' | 'label'> {
  readonly hasPair: boolean;
  readonly text: Int32Array;
  readonly pair: Int32Array;
}

const ENDINGS = ['.csv', '.jsonl'];

/** Why a privatized table cannot go there, as a sentence about the file; null when it can. */
export function outputProblem(output: string): string | null {
  if (!ENDINGS.includes(extname(output))) return `must end in ${ENDINGS.join(' or ')}`;
  if (existsSync(output))
    return (
      'exists; the guarantee covers one noisy version of a text, so ' +
      'use that one, or remove it if nobody has seen it'
    );
  return fileProblem(output);
}

/** Streams: memory does not grow with the table. The output gets its name when whole, and is never drawn a second time.
 *  @throws BadInput as `readTable`, and when the output exists or cannot be written, before anything is reserved. */
export async function privatizeTable({
  input,
  output,
  columns,
  tokenizer,
  mechanism,
  maxTokens,
  reserve,
  enter,
  onProgress,
  signal,
}: PrivatizeTableOptions): Promise<PrivatizedTable> {
  const problem = outputProblem(output);
  if (problem !== null) throw new BadInput([{ where: output, problem }]);
  const asCsv = output.endsWith('.csv');
  await reserve?.();
  const line = asCsv ? csvLine : jsonLine;
  let pending: Pending[] = [];
  let pendingTokens = 0;
  let rows = 0;
  let tokens = 0;
  let unchanged = 0;
  const turns = new Turns(signal);
  const draw = async (): Promise<string> => {
    const ids = new Int32Array(pendingTokens);
    let end = 0;
    for (const { text, pair } of pending) {
      ids.set(text, end);
      ids.set(pair, end + text.length);
      end += text.length + pair.length;
    }
    const noisy = await mechanism.privatizeInTurns(ids, signal);
    for (let at = 0; at < ids.length; at++) if (ids[at] === noisy[at]) unchanged++;
    let start = 0;
    let lines = '';
    for (const { number, label, hasPair, text, pair } of pending) {
      const noisyText = noisy.subarray(start, (start += text.length));
      const noisyPair = noisy.subarray(start, (start += pair.length));
      lines += line({ row: number, text: noisyText, pair: hasPair ? noisyPair : null, label }, tokenizer);
      if (turns.due) await turns.next();
    }
    rows += pending.length;
    tokens += ids.length;
    pending = [];
    pendingTokens = 0;
    onProgress?.({ rows, tokens });
    return lines;
  };
  async function* noisyLines(): AsyncGenerator<string> {
    if (asCsv)
      yield `${['row', 'text', ...(columns.pair === undefined ? [] : ['pair']), ...(columns.label === undefined ? [] : ['label'])].join(',')}\r\n`;
    for await (const row of readTable(input, columns)) {
      const { text, pair } = keptTokens(row, tokenizer, maxTokens);
      pending.push({ number: row.number, label: row.label, hasPair: row.pair !== null, text, pair });
      pendingTokens += text.length + pair.length;
      if (turns.due) await turns.next();
      if (pendingTokens >= mechanism.batchTokens) yield await draw();
    }
    yield await draw();
  }
  const beforeName = enter && (async (whole: string) => enter((await sha256File(whole)).sha256, tokens));
  await writeWholeFile(output, noisyLines(), { signal, beforeName });
  return { rows, tokens, unchangedRate: tokens === 0 ? 0 : unchanged / tokens };
}

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

function csvLine({ row, text, pair, label }: NoisyRow, decoder: Decoder): string {
  const cells = [
    String(row),
    wordsOf(text, decoder),
    ...(pair === null ? [] : [wordsOf(pair, decoder)]),
    ...(label === null ? [] : [label]),
  ];
  return `${cells.map(csvCell).join(',')}\r\n`;
}
