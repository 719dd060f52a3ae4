/** audit: attacks on a release, or on a table that was privatized. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Option, type Command } from 'commander';
import { ATTACKS, BadInput, DEFAULT_BACKBONE, DEFAULT_ETA, ErrorKind, RaptError, type Attack, type AuditResult } from '../../contracts/index.ts';
import { homeFolder } from '../../infra/index.ts';
import { auditTables } from '../audit-tables.ts';
import { print, printJson, say } from '../output.ts';

interface AuditOptions {
  run?: string;
  in?: string;
  released?: string;
  tenant: string;
  mechanism: 'exponential' | 'laplace';
  eta?: string;
  backbone: string;
  textColumn: string;
  attacks?: string;
  maxTokens: string;
  json?: true;
}

export function addAuditCommand(program: Command): void {
  program
    .command('audit')
    .description('attack a release with the plain text at hand, to tell what an adversary gets; needs no server')
    .option('--run <id>', "the release of a finished run of this client; its tables must still be where they were")
    .option('--in <file>', 'a table, with --released')
    .option('--released <file>', 'what `rapt privatize` made of it, as .jsonl')
    .option('--tenant <name>', 'tenant of the run', 'local')
    .addOption(new Option('--mechanism <name>', 'with --in: what it was privatized by').choices(['exponential', 'laplace']).default('exponential'))
    .option('--eta <number>', `with --in; default: ${DEFAULT_ETA.exponential} for exponential, ${DEFAULT_ETA.laplace} for laplace`)
    .option('--backbone <name>', 'with --in: model folder, or name', DEFAULT_BACKBONE)
    .option('--text-column <name>', 'with --in', 'text')
    .option('--attacks <list>', `some of ${ATTACKS.join(',')}; default: all`)
    .option('--max-tokens <number>', 'tokens that are attacked', '20000')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt audit --run nightly\n         rapt privatize --in notes.csv --out notes.jsonl && rapt audit --in notes.csv --released notes.jsonl')
    .action(async (options: AuditOptions) => {
      const attacks = attacksOf(options.attacks);
      const maxTokens = Number(options.maxTokens);
      if (!Number.isInteger(maxTokens) || maxTokens < 1) throw new BadInput([{ where: '--max-tokens', problem: `must be a whole number from 1, not "${options.maxTokens}"` }]);
      const result = await (options.run !== undefined ? auditRun(options, options.run, attacks, maxTokens) : auditTable(options, attacks, maxTokens));
      if (options.json) printJson(result);
      else print(auditTables(result));
    });
}

function attacksOf(list: string | undefined): Attack[] {
  if (list === undefined) return [...ATTACKS];
  const names = list.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !(ATTACKS as readonly string[]).includes(name));
  if (unknown.length > 0) throw new BadInput([{ where: '--attacks', problem: `${unknown.join(', ')}: no such attack; there are ${ATTACKS.join(', ')}` }]);
  return names as Attack[];
}

const told = (attack: string): void => say(`attack: ${attack}`);

async function auditRun({ tenant }: AuditOptions, run: string, attacks: Attack[], maxTokens: number): Promise<AuditResult> {
  const { attackRelease, findRelease, readRunRecord } = await import('../../activities/client/index.ts');
  const home = join(homeFolder(), 'client');
  const { config, result } = readRunRecord(home, tenant, run);
  const folder = await findRelease(home, tenant, result.release.sha256);
  if (folder === null) throw new RaptError(ErrorKind.notFound, `the release of run ${run} is not on this client any more`);
  return attackRelease(folder, { ...config, audit: { ...config.audit, attacks, maxTokens } }, told);
}

async function auditTable(options: AuditOptions, attacks: Attack[], maxTokens: number): Promise<AuditResult> {
  if (options.in === undefined || options.released === undefined) throw new BadInput([{ where: 'rapt audit', problem: 'give either --run, or --in with --released' }]);
  const eta = options.eta === undefined ? DEFAULT_ETA[options.mechanism] : Number(options.eta);
  if (!(eta > 0)) throw new BadInput([{ where: '--eta', problem: `must be a positive number, not "${options.eta}"` }]);
  const { openBackbone } = await import('../../activities/client/index.ts');
  const { audit } = await import('../../rapt/attacks/index.ts');
  const { readTable } = await import('../../rapt/data/index.ts');
  const { joinIds } = await import('../../rapt/release/index.ts');
  const backbone = await openBackbone(options.backbone);
  const answers = await releasedIds(options.released);
  const plain: Int32Array[] = [];
  const released: Int32Array[] = [];
  for await (const { number, text } of readTable(options.in, { text: options.textColumn })) {
    const ids = answers.get(number);
    if (ids === undefined) throw new BadInput([{ where: options.released, problem: `has no row ${number} of ${options.in}` }]);
    const tokens = backbone.tokenizer.encode(text, ids.length);
    if (tokens.length !== ids.length) throw new BadInput([{ where: options.released, problem: `row ${number} is longer than the text; was it made from ${options.in}, with --backbone ${options.backbone}?` }]);
    plain.push(tokens);
    released.push(ids);
  }
  const tokens = released.reduce((sum, text) => sum + text.length, 0);
  const every = Math.max(1, Math.ceil(tokens / maxTokens));
  const sampled = (texts: Int32Array[]): Int32Array[] => texts.filter((_, row) => row % every === 0);
  const { table: phi, outputIds } = backbone;
  return audit({
    table: phi, outputIds, mechanism: options.mechanism, eta, attacks, plain: sampled(plain), released: sampled(released), release: joinIds(released), pairs: null, publicTexts: [], attributes: [], onAttack: told,
  });
}

async function releasedIds(file: string): Promise<Map<number, Int32Array>> {
  const answers = new Map<number, Int32Array>();
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const { row, input_ids: ids } = parsed(line) as { row?: unknown; input_ids?: unknown };
    if (typeof row !== 'number' || !Array.isArray(ids)) throw new BadInput([{ where: file, problem: 'must be what `rapt privatize --out FILE.jsonl` writes: lines with row and input_ids' }]);
    answers.set(row, Int32Array.from(ids, Number));
  }
  return answers;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line) ?? {};
  } catch {
    return {};
  }
}
