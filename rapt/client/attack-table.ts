/** Attacks on a table that `privatize` made. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { ATTACKS, BadInput, type Attack, type AuditResult } from '../../contracts/index.ts';
import { audit } from '../attacks/index.ts';
import type { PublicBackbone } from '../backbone/index.ts';
import { readTable, sourceOf } from '../data/index.ts';
import { parseJson } from '../json.ts';
import type { Mechanism } from '../privacy/index.ts';
import { joinIds } from '../release/index.ts';

/** Which tables are held against each other, and by what. */
export interface AttackOptions {
  /** The table with the plain texts. */
  readonly input: string;
  /** What `privatize` made of it, as .jsonl. */
  readonly released: string;
  /** Column of the texts. Default: text. */
  readonly textColumn?: string | undefined;
  /** The backbone that the table was privatized with. */
  readonly backbone: PublicBackbone;
  /** What the table was privatized by: a mechanism, or its name and eta. */
  readonly mechanism: Pick<Mechanism, 'name' | 'eta'>;
  /** Default: all of them. `attributes` and `learned` need more than a table and are left out. */
  readonly attacks?: readonly Attack[] | undefined;
  /** Tokens that are attacked, in texts spread evenly over the table. Default 20,000. */
  readonly maxTokens?: number | undefined;
  /** Called before each attack. */
  readonly onAttack?: ((attack: string) => void) | undefined;
  /** Stops the attacks. */
  readonly signal?: AbortSignal | undefined;
}

const MOST_TOKENS = 20_000;

/** Attacks a privatized table with the plain texts at hand, to tell what an adversary gets of it, and what they would
 *  get without it.
 *  @param options which tables, and by what.
 *  @throws BadInput when the two tables do not belong together. */
export async function attack({
  input,
  released: file,
  textColumn = 'text',
  backbone,
  mechanism,
  attacks = ATTACKS,
  maxTokens = MOST_TOKENS,
  onAttack,
  signal,
}: AttackOptions): Promise<AuditResult> {
  const { table, outputIds, tokenizer } = backbone;
  const answers = await releasedIds(file);
  const plain: Int32Array[] = [];
  const released: Int32Array[] = [];
  for await (const { number, text } of readTable(input, { text: textColumn })) {
    signal?.throwIfAborted();
    const ids = answers.get(number);
    if (ids === undefined) throw new BadInput([{ where: file, problem: `has no row ${number} of ${input}` }]);
    const tokens = tokenizer.encode(text, ids.length);
    if (tokens.length !== ids.length)
      throw new BadInput([
        {
          where: file,
          problem:
            `row ${number} is longer than the text; was it made from ${input}, with the backbone ` +
            `${backbone.description.name}?`,
        },
      ]);
    plain.push(tokens);
    released.push(ids);
  }
  const tokens = released.reduce((sum, text) => sum + text.length, 0);
  const every = Math.max(1, Math.ceil(tokens / maxTokens));
  const sampled = (texts: Int32Array[]): Int32Array[] => texts.filter((_, row) => row % every === 0);
  return audit({
    table,
    outputIds,
    mechanism: mechanism.name,
    eta: mechanism.eta,
    attacks,
    plain: sampled(plain),
    released: sampled(released),
    release: joinIds(released),
    pairs: null,
    publicTexts: [],
    attributes: [],
    onAttack,
    signal,
  });
}

async function releasedIds(file: string): Promise<Map<number, Int32Array>> {
  const found = await sourceOf(file).stat(file);
  if (found?.kind !== 'file')
    throw new BadInput([
      {
        where: file,
        problem:
          found === null
            ? 'does not exist; name what `rapt privatize` wrote as .jsonl'
            : 'is a folder, and a file is needed',
      },
    ]);
  const answers = new Map<number, Int32Array>();
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const { row, input_ids: ids } = (parseJson(line) ?? {}) as { row?: unknown; input_ids?: unknown };
    if (typeof row !== 'number' || !Array.isArray(ids))
      throw new BadInput([
        { where: file, problem: 'must be what Rapt writes as .jsonl: lines with row and input_ids' },
      ]);
    answers.set(row, Int32Array.from(ids, Number));
  }
  return answers;
}
