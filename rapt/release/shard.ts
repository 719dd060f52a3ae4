/** The Parquet files of a release: the columns that contracts/artifacts.ts names, as pandas, DuckDB and the GPU side
 *  read them. */
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import type { SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { ColumnSource } from 'hyparquet-writer';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { listOf, toRagged, type Ragged } from './ragged.ts';

export interface ShardRows {
  readonly count: number;
  /** Row numbers in the user's table. [count] */
  readonly rows: Int32Array;
  /** Privatized ids of the texts, without special tokens. */
  readonly input: Ragged;
  /** Privatized ids of the second texts; null unless a pair task. */
  readonly pair: Ragged | null;
  /** Class numbers [count]; null in the test split, whose labels stay with the user. */
  readonly labels: Int32Array | null;
  /** The random plain tokens: what they are, and what the mechanism made of them. Null without reconstruction. */
  readonly plain: {
    readonly tokensPerRow: number;
    /** [count * tokensPerRow], row-major */
    readonly ids: Int32Array;
    /** [count * tokensPerRow], row-major */
    readonly noisyIds: Int32Array;
  } | null;
}

/** Encodes rows as a Parquet file of one row group. Equal rows give equal bytes. */
export function encodeShard(shard: ShardRows): Uint8Array {
  const columns: { name: string; data: Int32Array | number[][] }[] = [
    { name: 'row', data: shard.rows },
    { name: 'input_ids', data: lists(shard.input) },
    ...(shard.pair === null ? [] : [{ name: 'pair_ids', data: lists(shard.pair) }]),
    ...(shard.plain === null
      ? []
      : [
          { name: 'plain_ids', data: evenLists(shard.plain.ids, shard.plain.tokensPerRow) },
          { name: 'plain_noisy_ids', data: evenLists(shard.plain.noisyIds, shard.plain.tokensPerRow) },
        ]),
    ...(shard.labels === null ? [] : [{ name: 'label', data: shard.labels }]),
  ];
  const schema: SchemaElement[] = [{ name: 'root', num_children: columns.length }];
  const columnData: ColumnSource[] = [];
  for (const { name, data } of columns) {
    schema.push(
      ...(data instanceof Int32Array
        ? [{ name, type: 'INT32', repetition_type: 'REQUIRED' } as const]
        : listSchema(name)),
    );
    columnData.push({ name, data });
  }
  const bytes = parquetWriteBuffer({
    columnData,
    schema,
    rowGroupSize: Math.max(1, shard.count),
    createdBy: 'rapt',
    statistics: false,
  });
  return new Uint8Array(bytes);
}

/** Reads a shard. @throws RaptError corruptArtifact when the file is no shard. */
export async function readShard(file: string): Promise<ShardRows> {
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(file) }).catch((cause: unknown) => {
    throw new RaptError(ErrorKind.corruptArtifact, `${file} cannot be read as a shard of a release; it is damaged`, {
      cause,
    });
  });
  const column = (name: string): unknown[] | null =>
    rows[0] !== undefined && name in rows[0] ? rows.map((row): unknown => row[name]) : null;
  const numbers = (name: string): Int32Array | null => {
    const values = column(name);
    return values === null ? null : Int32Array.from(values, Number);
  };
  const ragged = (name: string): Ragged | null => {
    const values = column(name);
    return values === null ? null : toRagged(values as readonly ArrayLike<number>[]);
  };
  const numbersOfRows = numbers('row');
  const input = ragged('input_ids');
  if (numbersOfRows === null || input === null)
    throw new RaptError(
      ErrorKind.corruptArtifact,
      `${file} has no columns row and input_ids; it is no shard of a release`,
    );
  const plain = ragged('plain_ids');
  const noisy = ragged('plain_noisy_ids');
  return {
    count: rows.length,
    rows: numbersOfRows,
    input,
    pair: ragged('pair_ids'),
    labels: numbers('label'),
    plain:
      plain === null || noisy === null
        ? null
        : { tokensPerRow: plain.ids.length / rows.length, ids: plain.ids, noisyIds: noisy.ids },
  };
}

/** The three levels that the Parquet format prescribes for LIST, with nothing nullable. */
const listSchema = (name: string): SchemaElement[] => [
  { name, repetition_type: 'REQUIRED', num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', type: 'INT32', repetition_type: 'REQUIRED' },
];

// The writer takes plain arrays only for nested columns.
function lists(ragged: Ragged): number[][] {
  return Array.from({ length: ragged.offsets.length - 1 }, (_, row) => Array.from(listOf(ragged, row)));
}

function evenLists(ids: Int32Array, width: number): number[][] {
  return Array.from({ length: ids.length / width }, (_, row) =>
    Array.from(ids.subarray(row * width, (row + 1) * width)),
  );
}
