/** One split of a release while it is drawn: row by row into shards. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import type { Row, Split } from '../data/index.ts';
import { systemRandom, type RandomizedResponse } from '../privacy/index.ts';
import type { Turns } from '../turns.ts';
import { ShardBuilder } from './builder.ts';
import type { DrawOptions } from './draw-options.ts';
import type { Finder, FoundRow } from './earlier-rows.ts';
import { assertUnchanged, type InputFile } from './inputs.ts';
import { LabelCollector } from './labels.ts';
import { shardFile } from './layout.ts';
import type { RowVersion } from './row-file.ts';
import type { RowVersions } from './row-versions.ts';
import type { ReleaseSettings } from './spec.ts';
import { describeShard, writeShard, type FinishedShard } from './stored-release.ts';
import { keptTokens } from './truncate.ts';

/** What all splits of a release are drawn with. */
export interface Drawing extends Pick<
  DrawOptions,
  'folder' | 'tokenizer' | 'mechanism' | 'random' | 'signal' | 'onDrawn'
> {
  readonly settings: ReleaseSettings;
  readonly inputs: readonly InputFile[];
  /** Draws training labels; null lets them leave as they are. */
  readonly response: RandomizedResponse | null;
  readonly rowsPerShard: number;
  /** Finds rows that were released before; undefined in releases that nothing is taken over from. */
  readonly find: Finder | undefined;
  /** Whether there is a row that could be found. */
  readonly mayFind: boolean;
  readonly versions: RowVersions | null;
  readonly turns: Turns;
}

export class SplitDrawing {
  readonly #drawing: Drawing;
  readonly #split: Split;
  readonly #onRows: (seen: number) => void;
  readonly #classNumber: (label: string | null) => number;
  readonly #labels = new LabelCollector();
  /** Rows of the split so far. */
  #seen = 0;
  /** Null while the rows are those of a shard that is finished already. */
  #builder: ShardBuilder | null = null;
  readonly shards: FinishedShard[] = [];

  /** @param onRows called with the rows of the split that are done. */
  constructor(drawing: Drawing, split: Split, onRows: (seen: number) => void) {
    this.#drawing = drawing;
    this.#split = split;
    this.#onRows = onRows;
    this.#classNumber = classNumbers(drawing.settings.classes);
  }

  /** Whether the next row is the first of a shard. */
  get isBetweenShards(): boolean {
    return this.#seen % this.#drawing.rowsPerShard === 0;
  }

  /** A shard that has its name already is not drawn again. */
  beginShard(): void {
    const { folder, settings, tokenizer, mechanism, random = systemRandom, response, onDrawn } = this.#drawing;
    if (existsSync(join(folder, this.#file))) return;
    this.#builder = new ShardBuilder({
      batchTokens: mechanism.batchTokens,
      random,
      pair: settings.pair,
      plain: settings.plain,
      classNumber: this.#split === 'train' ? this.#classNumber : null,
      unknownId: tokenizer.unknownId,
      response,
      onDrawn,
    });
  }

  async add(row: Row): Promise<void> {
    const { mayFind, turns } = this.#drawing;
    this.#seen++;
    if (this.#split === 'test') this.#labels.add(row.number, row.label === null ? null : this.#classNumber(row.label));
    // Also for rows of finished shards: `find` must see every row, in order, since it hands out each version once.
    if (this.#builder !== null || mayFind) await this.#take(row);
    // Rows that are taken over, or were drawn already, make no batch.
    if (turns.due) await turns.next();
  }

  async #take(row: Row): Promise<void> {
    const { settings, tokenizer, find } = this.#drawing;
    const tokens = keptTokens(row, tokenizer, settings.maxTokens);
    const found = find?.(row, this.#split, tokens);
    if (this.#builder === null) return;
    const isFull = this.#builder.add(row, tokens, found, await this.#versionOf(found));
    if (!isFull) return;
    await this.#drawBatch(this.#builder);
    this.#onRows(this.#seen);
  }

  async #versionOf(found: FoundRow | undefined): Promise<RowVersion | null> {
    const { versions } = this.#drawing;
    return versions === null || found === undefined || found.place === null ? null : versions.read(found.place);
  }

  async #drawBatch(builder: ShardBuilder): Promise<void> {
    const { mechanism, signal } = this.#drawing;
    builder.take(await mechanism.privatizeInTurns(builder.waiting(), signal));
  }

  /** Gives the shard its name, unless it has it. */
  async finishShard(): Promise<void> {
    const { folder, settings, inputs, signal } = this.#drawing;
    const file = this.#file;
    // An input that changed while it was read must not get into the release: neither this shard nor any after it is
    // kept.
    for (const input of inputs) await assertUnchanged(input);
    if (this.#builder !== null) await this.#writeShard(file, this.#builder);
    this.#builder = null;
    const shard = await describeShard(folder, file, this.#split);
    if ((shard.classCounts ?? settings.classes).length !== settings.classes.length) throw begunAmongOthers(folder);
    this.shards.push(shard);
    this.#onRows(this.#seen);
    signal?.throwIfAborted();
  }

  async #writeShard(file: string, builder: ShardBuilder): Promise<void> {
    const { folder, settings, tokenizer, response } = this.#drawing;
    await this.#drawBatch(builder);
    await writeShard(folder, file, builder, {
      drawnClasses: response === null ? null : settings.classes.length,
      unknown: tokenizer.unknownId !== undefined,
    });
  }

  /** Keeps the test labels. @param rows of the split when the tables were inspected. @throws RaptError badInput when
   *  there were more or fewer now. */
  async finish(rows: number): Promise<void> {
    if (this.#seen !== rows)
      throw new RaptError(
        ErrorKind.badInput,
        `the ${this.#split} rows changed while they were being privatized: ${rows} before, ${this.#seen} now; ` +
          'start the run again',
      );
    await this.#labels.write(this.#drawing.folder);
  }

  /** Of the shard that is being drawn. */
  get #file(): string {
    return shardFile(this.#split, this.shards.length);
  }
}

function classNumbers(classes: readonly string[]): (label: string | null) => number {
  const numbers = new Map(classes.map((name, number) => [name, number]));
  return (label) => {
    const number = numbers.get(label ?? '');
    if (number === undefined)
      throw new RaptError(
        ErrorKind.badInput,
        'a row has a label that the first pass over the table did not see; the table changed, start the run again',
      );
    return number;
  };
}

/** Earlier versions drew labels of a part of a table among the classes of that part. */
const begunAmongOthers = (folder: string): RaptError =>
  new RaptError(
    ErrorKind.badInput,
    `${folder} was begun by an earlier version of Rapt, with labels drawn among fewer classes than the table has. ` +
      'Nothing of it has left: remove the folder, and start the run again',
  );
