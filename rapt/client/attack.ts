import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  ErrorKind,
  RaptError,
  type AuditResult,
  type Rate,
  type ReleaseManifest,
  type TuningConfig,
} from '../../contracts/index.ts';
import { audit, type PlainPairs } from '../attacks/index.ts';
import { openBackbone, type Tokenizer } from '../backbone/index.ts';
import { inspectTables, readSplit, SPLITS, type Row, type Split } from '../data/index.ts';
import { alignRelease, joinIds, openRelease, readShard, type AlignedText } from '../release/index.ts';

/** Pairs that the learned inverter is trained on; more teach it nothing. */
const MOST_PAIRS = 200_000;
const MOST_PUBLIC_LINES = 20_000;

/** Attacks a release of this client as its run's configuration says. Success is told to three digits: it is a second
 *  look at the plain text.
 *  @throws RaptError notFound when the release is not here any more, badInput when the tables are not those that it was
 *  drawn from; the signal's reason. */
export async function attackRelease(
  folder: string,
  config: Pick<TuningConfig, 'data' | 'backbone' | 'audit'>,
  onAttack: (attack: string) => void,
  signal?: AbortSignal,
): Promise<AuditResult> {
  const found = await openRelease(folder);
  if (found === null) throw new RaptError(ErrorKind.notFound, 'the release is not on this client any more');
  const { manifest } = found;
  const { data } = config;
  const { attacks, maxTokens, publicText } = config.audit;
  const { tables } = await inspectTables(data, { splitByLabels: manifest.labelNoise === undefined });
  const { table, outputIds, tokenizer } = await openBackbone(config.backbone);

  const rows = (split: Split): AsyncIterable<Row> => readSplit(data, tables, split);
  const { plain, released, whole, places } = await sampledTexts(
    alignRelease({ folder, manifest, tokenizer, rows }),
    Math.max(1, Math.ceil(manifest.tokens / maxTokens)),
    signal,
  );
  const attributes: Attribute[] = [];
  for (const name of data.attributeColumns) {
    const values = new Array<string | null>(plain.length).fill(null);
    for (const split of SPLITS)
      for await (const { number, label } of readSplit(data, tables, split, name)) {
        signal?.throwIfAborted();
        const place = places.get(placeOf(split, number));
        if (place !== undefined) values[place] = label;
      }
    attributes.push({ name, values });
  }
  const { mechanism, eta } = manifest.guarantee;
  const result = await audit({
    table,
    outputIds,
    mechanism,
    eta,
    attacks,
    plain,
    released,
    attributes,
    onAttack,
    signal,
    release: joinIds(whole),
    pairs: await plainPairs(folder, manifest),
    publicTexts: publicText === undefined ? [] : await tokenizedLines(publicText, tokenizer, manifest.maxTokens),
  });
  return rounded(result);
}

interface SampledTexts {
  /** Of each text that is attacked, its tokens and those that were released for them. */
  readonly plain: Int32Array[];
  readonly released: Int32Array[];
  /** What was released of every text. */
  readonly whole: Int32Array[];
  /** Where an attacked text stands in the lists, by `placeOf`. */
  readonly places: ReadonlyMap<string, number>;
}

/** @param every how many texts there are for one that is attacked. */
async function sampledTexts(
  texts: AsyncIterable<AlignedText>,
  every: number,
  signal: AbortSignal | undefined,
): Promise<SampledTexts> {
  const plain: Int32Array[] = [];
  const released: Int32Array[] = [];
  const whole: Int32Array[] = [];
  const places = new Map<string, number>();
  for await (const text of texts) {
    signal?.throwIfAborted();
    whole.push(text.released);
    if ((whole.length - 1) % every !== 0) continue;
    places.set(placeOf(text.split, text.row), plain.length);
    plain.push(text.plain);
    released.push(text.released);
  }
  return { plain, released, whole, places };
}

const placeOf = (split: Split, row: number): string => `${split} ${row}`;

/** A column of the owner's table, and its value for each text that is attacked. */
interface Attribute {
  readonly name: string;
  readonly values: (string | null)[];
}

async function plainPairs(folder: string, manifest: ReleaseManifest): Promise<PlainPairs | null> {
  if (manifest.plain === false) return null;
  const plain: Int32Array[] = [];
  const noisy: Int32Array[] = [];
  let pairs = 0;
  for (const { file } of manifest.shards) {
    const shard = await readShard(join(folder, file));
    if (shard.plain === null || pairs > MOST_PAIRS) continue;
    plain.push(shard.plain.ids);
    noisy.push(shard.plain.noisyIds);
    pairs += shard.plain.ids.length;
  }
  return { plain: joinIds(plain), noisy: joinIds(noisy), vocabulary: Int32Array.from(manifest.plain.vocabulary) };
}

/** Public sentences, one a line; the first 20,000. */
export async function tokenizedLines(
  file: string,
  tokenizer: Pick<Tokenizer, 'encode'>,
  maxTokens = 512,
): Promise<Int32Array[]> {
  const texts: Int32Array[] = [];
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (line.trim() !== '') texts.push(tokenizer.encode(line, maxTokens));
    if (texts.length === MOST_PUBLIC_LINES) break;
  }
  return texts;
}

function rounded(result: AuditResult): AuditResult {
  const rate = ({ value, low, high }: Rate): Rate => ({ value: digits(value), low: digits(low), high: digits(high) });
  return {
    ...result,
    attacks: result.attacks.map(({ mostFrequent, ...attack }) => ({
      ...attack,
      success: rate(attack.success),
      priorOnly: rate(attack.priorOnly),
      ...(mostFrequent !== undefined && { mostFrequent: rate(mostFrequent) }),
    })),
    attributes: result.attributes.map((one) => ({
      ...one,
      success: rate(one.success),
      priorOnly: rate(one.priorOnly),
      onPlainText: rate(one.onPlainText),
    })),
  };
}

const digits = (value: number): number => Math.round(value * 1000) / 1000;
