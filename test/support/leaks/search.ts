/** Searches bytes for everything that must not be there, in each way in which they can be read. */
import { gunzipSync } from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import type { Tokenizer } from '../../../rapt/backbone/index.ts';
import { NeedleIndex, type Windows } from './marker-index.ts';
import type { Markers } from './markers.ts';
import { decimalsIn, labelsIn } from './numbers.ts';

/** Something that the provider holds. */
export interface Place {
  readonly kind: string;
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface Leak {
  /** A marked string, or what else was searched for. */
  readonly what: string;
  /** In which encoding, and by which reading of the place. */
  readonly how: string;
  readonly kind: string;
  readonly place: string;
}

export interface SearchOptions {
  readonly markers: Markers;
  /** What is searched for besides the marked strings. */
  readonly sequences: readonly Windows[];
  readonly tokenizer: Tokenizer;
  /** Class names, in label order. */
  readonly classes: readonly string[];
}

export interface Searched {
  readonly leaks: readonly Leak[];
  /** Places and their bytes, by kind. */
  readonly places: ReadonlyMap<string, { readonly count: number; readonly bytes: number }>;
}

/** A way to read bytes, and what is read. */
interface Reading {
  readonly how: string;
  readonly bytes: Uint8Array;
}

export class LeakSearch {
  readonly #options: SearchOptions;
  readonly #index: NeedleIndex;
  readonly #encodings: ReadonlySet<Windows>;

  constructor(options: SearchOptions) {
    const encodings = options.markers.needles();
    this.#options = options;
    this.#encodings = new Set(encodings);
    this.#index = new NeedleIndex([...encodings, ...options.sequences]);
  }

  get needles(): number {
    return this.#index.needles;
  }

  async search(places: AsyncIterable<Place> | Iterable<Place>): Promise<Searched> {
    const leaks: Leak[] = [];
    const searched = new Map<string, { count: number; bytes: number }>();
    for await (const { kind, name, bytes } of places) {
      const before = searched.get(kind) ?? { count: 0, bytes: 0 };
      searched.set(kind, { count: before.count + 1, bytes: before.bytes + bytes.length });
      const seen = new Set<string>();
      const look = (reading: Reading): void => {
        for (const [what, how] of this.#find(reading)) {
          // A vector that leaked is found at each of its coordinates.
          const once = `${what} ${how}`;
          if (!seen.has(once)) leaks.push({ what, how, kind, place: name });
          seen.add(once);
        }
      };
      look({ how: 'name', bytes: Buffer.from(name) });
      for (const reading of readings({ how: '', bytes }, this.#options)) look(reading);
      if (isParquet(bytes))
        for (const column of await columnsOf(bytes, this.#options.tokenizer))
          for (const reading of readings(column, this.#options)) look(reading);
    }
    return { leaks, places: searched };
  }

  *#find({ how, bytes }: Reading): Generator<[what: string, how: string]> {
    const { markers } = this.#options;
    for (const { windows, offset } of this.#index.find(bytes)) {
      const isMarker = this.#encodings.has(windows);
      yield [
        isMarker ? (markers.nameAt(bytes, offset, windows.what) ?? markers.prefix) : windows.what,
        [how, isMarker ? windows.what : ''].filter((part) => part !== '').join(', '),
      ];
    }
  }
}

/** The bytes, the decimals and the labels among them, and what is packed in them. */
function* readings(reading: Reading, { classes }: SearchOptions): Generator<Reading> {
  const of = (how: string): string => [reading.how, how].filter((part) => part !== '').join(', ');
  for (const unpacked of [reading, ...unpack(reading)]) {
    yield unpacked;
    const text = Buffer.from(unpacked.bytes.buffer, unpacked.bytes.byteOffset, unpacked.bytes.byteLength).toString(
      'latin1',
    );
    yield { how: of('decimals'), bytes: decimalsIn(text) };
    yield { how: of('labels'), bytes: labelsIn(text, classes) };
  }
}

/** Long runs of base64 decoded, a gzip file unzipped. */
function unpack({ how, bytes }: Reading): Reading[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const runs = Array.from(buffer.toString('latin1').matchAll(/[\w+/-]{64,}/g), ([run]) => Buffer.from(run, 'base64'));
  const unzipped =
    buffer[0] === 0x1f && buffer[1] === 0x8b ? [{ how: `${how}unzipped`, bytes: gunzipSync(buffer) }] : [];
  return [...(runs.length === 0 ? [] : [{ how: `${how}from base64`, bytes: Buffer.concat(runs) }]), ...unzipped];
}

/** Whole: a file that is still being written has no footer. */
const isParquet = (bytes: Uint8Array): boolean =>
  [bytes.subarray(0, 4), bytes.subarray(-4)].every((end) => Buffer.from(end).toString('latin1') === 'PAR1');

/** Each column as text, and where it holds token ids the text that they stand for: decoded, as word pieces, and as
 *  pieces without marks and spaces. */
async function columnsOf(bytes: Uint8Array, tokenizer: Tokenizer): Promise<Reading[]> {
  const rows = await parquetReadObjects({ file: new Uint8Array(bytes).buffer, compressors });
  return Object.keys(rows[0] ?? {}).flatMap((name) => {
    const values = rows.map((row): unknown => row[name]);
    const how = `Parquet column ${name}`;
    const lists = values.map(idsOf);
    if (!lists.every((ids) => ids !== null)) return [{ how, bytes: Buffer.from(values.map(textOf).join('\n')) }];
    const pieces = lists.map((ids) => ids.map((id) => tokenizer.tokens[id] ?? ''));
    return [
      { how, bytes: Buffer.from(lists.map((ids) => ids.join(',')).join('\n')) },
      { how: `${how}, decoded`, bytes: Buffer.from(lists.map((ids) => tokenizer.decode(ids)).join('\n')) },
      { how: `${how}, word pieces`, bytes: Buffer.from(pieces.map((row) => row.join(' ')).join('\n')) },
      {
        how: `${how}, joined`,
        bytes: Buffer.from(pieces.map((row) => row.map((piece) => piece.replace(/^##/, '')).join('')).join('\n')),
      },
    ];
  });
}

const idsOf = (value: unknown): number[] | null =>
  Array.isArray(value) && value.every((id) => typeof id === 'number' && Number.isInteger(id)) ? value : null;

function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  return typeof value === 'object' && value !== null
    ? JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? Number(part) : part))
    : String(value);
}
