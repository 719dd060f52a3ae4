/** The tables of the hunt, good and bad: marked strings in texts, attributes, labels, columns and the names of files
 *  and folders. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { TuningInput } from '../../../contracts/index.ts';
import { csvCell, isHeldOut } from '../../../rapt/data/index.ts';
import { sentences } from '../../e2e/reviews.ts';
import type { Markers } from './markers.ts';

/** Names of classes cross, and are public. Labels are drawn at random: a model that learns nothing of them cannot
 *  repeat them. */
export const CLASSES = ['amber', 'birch', 'cedar'] as const;
export const TEST_FRACTION = 0.25;
const ATTRIBUTE_VALUES = 40;

export interface LabelledTable {
  readonly path: string;
  /** Class number of each row. */
  readonly labels: readonly number[];
}

/** Marked strings that an owner's own messages may quote, since the configuration holds them: what they are, as
 *  `Markers.plant` is told. */
export const NAMES: readonly string[] = ['file', 'folder', 'column', 'setting'];

export class LeakTables {
  readonly #folder: string;
  readonly #markers: Markers;
  readonly #sentences = sentences();
  /** All tables that are not empty, and all texts. */
  readonly files: string[] = [];
  readonly texts: string[] = [];

  constructor(folder: string, markers: Markers) {
    this.#folder = folder;
    this.#markers = markers;
  }

  /** Names that the provider's workers are told: of a run that is asked, and of a model, which the GPU worker looks for
   *  as well. */
  readonly toldToWorkers = new Set<string>();

  plant = (where: string): string => this.#markers.plant(where);

  plantForWorkers(where: string): string {
    const planted = this.plant(where);
    this.toldToWorkers.add(planted);
    return planted;
  }

  /** A place for a table, in a folder of its own. */
  place(ending: string): string {
    const folder = join(this.#folder, this.plant('folder'));
    mkdirSync(folder, { recursive: true });
    return join(folder, this.plant('file') + ending);
  }

  #write(ending: string, content: string | Uint8Array): string {
    const path = this.place(ending);
    writeFileSync(path, content);
    if (content.length > 0) this.files.push(path);
    return path;
  }

  /** The marker first, so that it is not cut. */
  text(where: string): string {
    const text = `${this.plant(where)} said: ${this.#sentences[this.#markers.planted.size]!.text}`;
    this.texts.push(text);
    return text;
  }

  #rows(count: number, where: string): { text: string; label: number }[] {
    return Array.from({ length: count }, () => ({ text: this.text(where), label: randomInt(CLASSES.length) }));
  }

  /** A CSV with an attribute of few values. */
  csv(count: number): LabelledTable {
    const rows = this.#rows(count, 'text of a CSV row');
    const attributes = Array.from({ length: ATTRIBUTE_VALUES }, () => this.plant('attribute'));
    const lines = rows.map(({ text, label }, row) =>
      [text, CLASSES[label]!, attributes[row % attributes.length]!].map(csvCell).join(','),
    );
    return {
      path: this.#write('.csv', `text,label,town\r\n${lines.join('\r\n')}\r\n`),
      labels: rows.map(({ label }) => label),
    };
  }

  /** JSON Lines of text pairs. */
  jsonl(count: number): LabelledTable {
    const rows = this.#rows(count, 'text of a JSONL row');
    const lines = rows.map(({ text, label }) =>
      JSON.stringify({ text, second: this.text('second text of a JSONL row'), label: CLASSES[label] }),
    );
    return { path: this.#write('.jsonl', lines.join('\n')), labels: rows.map(({ label }) => label) };
  }

  /** Parquet of text pairs. */
  parquet(count: number): LabelledTable {
    const rows = this.#rows(count, 'text of a Parquet row');
    const columnData = [
      { name: 'text', data: rows.map(({ text }) => text) },
      { name: 'second', data: rows.map(() => this.text('second text of a Parquet row')) },
      { name: 'label', data: rows.map(({ label }) => CLASSES[label]!) },
    ];
    return {
      path: this.#write('.parquet', new Uint8Array(parquetWriteBuffer({ columnData }))),
      labels: rows.map(({ label }) => label),
    };
  }

  tsv(count: number): LabelledTable {
    const rows = this.#rows(count, 'text of a TSV row');
    const lines = rows.map(({ text, label }) => `${text}\t${CLASSES[label]}`);
    return { path: this.#write('.tsv', `text\tlabel\n${lines.join('\n')}\n`), labels: rows.map(({ label }) => label) };
  }

  /** Sentences that an adversary may have, one a line. */
  lines(count: number): string {
    return this.#write('.txt', Array.from({ length: count }, () => this.text('public text')).join('\n'));
  }

  /** Inputs that are refused, each by another of the error paths of table readers and configuration, and what the
   *  refusal says. */
  refused(): (readonly [input: unknown, said: RegExp])[] {
    const good = this.tsv(6).path;
    const train = (path: string, more: Partial<TuningInput['data']> = {}): TuningInput => ({
      data: { train: path, ...more },
    });
    const table = (ending: string, content: string | Uint8Array, more?: Partial<TuningInput['data']>): TuningInput =>
      train(this.#write(ending, content), more);
    const row = (label: string): string => `${csvCell(this.text('text of a bad row'))},${label}\n`;
    const rows = (count: number): string => Array.from({ length: count }, (_, at) => row(CLASSES[at % 2]!)).join('');
    const bad = (): string => this.text('text of a bad row').replaceAll('"', "'");
    const column = (): string => this.plant('column');
    const manyClasses = Array.from({ length: 1500 }, (_, at) => (at < 9 ? row(`class ${at}`) : `a text,class ${at}\n`));
    return [
      [
        table('.csv', `text,second,label\n${csvCell(bad())},a text,amber\n${csvCell(bad())},,birch\n`, {
          pairColumn: 'second',
        }),
        /line 3 \(row 2\), column "second": is empty/,
      ],
      [table('.csv', `text,label\n${rows(4)},${this.plant('label')}\n`), /column "text": is empty/],
      [
        table('.csv', `text,label\n${Array.from({ length: 25 }, () => `,${this.plant('label')}\n`).join('')}`),
        /has 5 more problems like these/,
      ],
      [
        table('.csv', `text,label\n${Array.from({ length: 3 }, () => row('')).join('')}`),
        /has no row with a text and a label/,
      ],
      [
        table('.csv', `text,label\n${rows(3)}${bad()},amber,${this.plant('attribute')}\n`),
        /has \d+ fields, the header 2/,
      ],
      [table('.csv', `text,label\n${rows(3)}"${bad()},amber\n${bad()},birch\n`), /a quote is opened and never closed/],
      [table('.csv', Buffer.from(`text,label\n${rows(3)}${bad()} caf\xe9,amber\n`, 'latin1')), /is not valid UTF-8/],
      [
        table('.csv', Buffer.from(`\ufefftext,label\n${rows(3)}${bad()}\ud800,amber\n`, 'utf16le')),
        /line 5: holds half a character/,
      ],
      [table('.csv', ''), /is empty; its first line must name the columns/],
      // Short cells of a first line are taken for names of columns, and yet they may be a text and its label.
      [
        table('.csv', `${this.plant('text of a first line')},${this.plant('label of a first line')}\n${rows(3)}`),
        /has no column "text" \(textColumn\); it has 2 columns of other names$/m,
      ],
      [table('.csv', `${bad()} at length,label\n${rows(3)}`), /its first line does not look like column names/],
      [table('.csv', `${'text,'.repeat(2)}label\n${rows(3)}`), /has 2 columns "text"/],
      [
        table('.csv', `text,label\n${Array.from({ length: 4 }, () => row('amber')).join('')}`),
        /has the same label in every training row/,
      ],
      [table('.csv', `text,label\n${manyClasses.join('')}`), /has more than 1000 different labels/],
      [table('.csv', `text,label\n${rows(2)}`, { testFraction: 0.01 }), /is too small for held-out test rows/],
      [table('.csv.gz', gzipSync(`text,label\n${rows(6)}`).subarray(0, 60)), /is not a complete gzip file/],
      [table('.tsv', `text\tlabel\n${bad()}\tamber\t${this.plant('attribute')}\n`), /a text must not hold tabs/],
      [table('.tsv', `text\tlabel\n"${bad()}\n${bad()}\tamber\n`), /a text must not hold line breaks in TSV/],
      [table('.tsv', 'text\tlabel\n'), /has no row with a text and a label/],
      [
        table('.jsonl', `{"text":"a text","label":"amber"}\n{"text":"${bad()}"label":"amber"}\n`),
        /line 2 \(row 2\): is not valid JSON/,
      ],
      [table('.jsonl', `{"text":"a text","label":"amber"}\n["${bad()}","amber"]\n`), /is not a JSON object/],
      [
        table(
          '.jsonl',
          JSON.stringify({ text: { [this.plant('text of a bad row')]: bad() }, label: [this.plant('label')] }),
        ),
        /holds a list or an object/,
      ],
      [table('.jsonl', `${bad()}\n${bad()}\n`), /has no JSON object in its first lines/],
      [table('.parquet', bad()), /is not a complete Parquet file/],
      [table('.parquet', this.#damagedParquet()), /cannot be read; the Parquet file is damaged/],
      [
        table(
          '.parquet',
          new Uint8Array(
            parquetWriteBuffer({
              columnData: [
                { name: 'text', data: [[bad()], [bad()]], type: 'JSON' },
                { name: 'label', data: ['amber', 'birch'] },
              ],
            }),
          ),
        ),
        /holds a list, a struct or bytes/,
      ],
      [table('.parquet.gz', gzipSync(bad())), /is not a complete Parquet file: it holds text/],
      [table('.parquet.gz', gzipSync(this.#damagedParquet())), /is a zipped Parquet file/],
      [table('.csv', `PK\x03\x04xl/${bad()}`), /is an Excel workbook/],
      [table('.arrow', `${bad()}ARROW1`), /is not a complete Arrow file/],
      [table('.docx', bad()), /is of no known format/],
      [train(this.place('.csv')), /does not exist on the machine of the client worker/],
      [train(dirname(this.place('.csv'))), /is not a file, nor a data set's folder/],
      [train(this.#dataset(`configs: [${bad()}`, rows(6))), /README\.md: has a head that is not YAML/],
      [
        train(good, {
          test: this.#write('.tsv', `text\tlabel\n${bad()}\tamber\n${bad()}\t${this.plant('label of a test row')}\n`),
        }),
        /holds a label that no training row has/,
      ],
      [train(good, { test: this.place('.tsv') }), /does not exist/],
      [train(good, { labelColumn: column() }), /has no column "[^"]+" \(labelColumn\)/],
      [train(good, { attributeColumns: [column()] }), /has no column "[^"]+" \(attributeColumns\)/],
      [{ ...train(good), audit: { publicText: this.place('.txt') } }, /audit\.publicText: .* does not exist/],
      [
        { ...train(good), backbone: join('/models', this.plantForWorkers('folder'), this.plantForWorkers('folder')) },
        /is neither a folder with config\.json/,
      ],
      [{ ...train(good), [this.plant('setting')]: this.plant('setting') }, /is not a known field/],
      [{ ...train(good), gates: { [this.plant('setting')]: '>=1' } }, /is not a metric/],
    ];
  }

  /** A data set's folder with such a card. */
  #dataset(head: string, rows: string): string {
    const folder = dirname(this.#write('.csv', `text,label\n${rows}`));
    writeFileSync(join(folder, 'README.md'), `---\n${head}\n---\n`);
    return folder;
  }

  /** A table whose reading ends in an error that Rapt does not know. */
  unknownError(): string {
    const path = this.place('.tsv');
    symlinkSync('/proc/self/mem', path);
    return path;
  }

  /** Whole in its head, with pages of zeros. */
  #damagedParquet(): Uint8Array {
    const text = Array.from({ length: 50 }, () => this.text('text of a bad row'));
    const bytes = new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: 'text', data: text },
          { name: 'label', data: text.map((_, at) => CLASSES[at % 2]!) },
        ],
      }),
    );
    return bytes.fill(0, 40, 400);
  }
}

/** Whether a row of a table is held out for testing. */
export const isTestRow = (row: number): boolean => isHeldOut(row, TEST_FRACTION);
export const testLabels = (labels: readonly number[]): number[] => labels.filter((_, row) => isTestRow(row));
