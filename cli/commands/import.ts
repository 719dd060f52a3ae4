/** import: an adapter that Hugging Face PEFT trained elsewhere. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { BadInput, parseTuningConfig } from '../../contracts/index.ts';
import { resolveStore } from '../../settings/index.ts';
import { clientHome } from '../../rapt/home.ts';
import { DEFAULT_ETAS } from '../options/common-options.ts';
import { MECHANISMS, numberOf, rateOf, wholeNumberOf } from '../options/values.ts';
import { print, printJson, table } from '../terminal/output.ts';
import { backboneAddress } from '../options/config-paths.ts';

interface ImportOptions {
  id: string;
  backbone?: string;
  classes?: string;
  textColumn: string;
  pairColumn?: string;
  maxTokens: string;
  mechanism: string;
  eta?: string;
  targetUnchanged?: string;
  tenant: string;
  json?: true;
}

const MECHANISM = `how those texts are privatized: ${MECHANISMS.join(', ')}; or none, which sends them as they are`;
const HELP =
  '\nIt must stand on BertForSequenceClassification (TaskType.SEQ_CLS). ' +
  'Trained on texts without noise it knows none: a larger eta serves it better.\n' +
  'Example: rapt import peft-adapter --id bought ' +
  '--backbone sentence-transformers/all-MiniLM-L6-v2 --classes bad,good\n' +
  '         rapt predict --run bought --text "A film to remember."';

export function addTo(program: Command): void {
  program
    .command('import')
    .description('take over a prompt or prefix that Hugging Face PEFT trained, so that `rapt predict` asks it')
    .argument('<folder>', "what PEFT's save_pretrained wrote")
    .requiredOption('--id <name>', 'what `rapt predict --run` and `rapt export --run` will call it')
    .option('--backbone <name>', "model folder, or name; default: the adapter's own base model")
    .option('--classes <names>', "in the order of the classifier's rows, with commas between them; default: 0,1,2 ...")
    .option('--text-column <name>', 'column of the texts that it will be asked about', 'text')
    .option('--pair-column <name>', 'second text of a pair task')
    .option('--max-tokens <number>', 'tokens kept of each row, special ones not counted', '64')
    .option('--mechanism <name>', MECHANISM, 'exponential')
    .option('--eta <number>', DEFAULT_ETAS)
    .option('--target-unchanged <rate>', 'choose eta so that this share of public tokens stays itself')
    .option('--tenant <name>', 'whose adapter it is', 'local')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(importPeft);
}

async function importPeft(folder: string, options: ImportOptions): Promise<void> {
  const { id, classes, textColumn, pairColumn, mechanism, tenant, json } = options;
  const { importAdapter } = await import('../../activities/client/index.ts');
  const { readPeftConfig } = await import('../../rapt/tuning/index.ts');
  const backbone = options.backbone ?? readPeftConfig(folder).baseModel;
  if (backbone === null)
    throw new BadInput([
      { where: '--backbone', problem: 'is needed: the adapter does not say what it was trained on' },
    ]);
  const parsed = parseTuningConfig({
    tenant,
    data: {
      train: resolve(folder),
      textColumn,
      pairColumn,
      maxTokens: wholeNumberOf('--max-tokens', options.maxTokens),
    },
    privacy: {
      mechanism,
      eta: numberOf('--eta', options.eta),
      targetUnchanged: rateOf('--target-unchanged', options.targetUnchanged),
    },
    backbone: backboneAddress(backbone),
  });
  if (!parsed.ok) throw new BadInput(parsed.problems);
  const { createMinioStore } = await import('../../storage/index.ts');
  const store = createMinioStore(resolveStore({ kind: 'client', tenant: parsed.value.tenant }));
  const request = {
    folder,
    run: id,
    classes: classes?.split(',').map((name) => name.trim()) ?? null,
    config: parsed.value,
  };
  const { adapter, card } = await importAdapter({ store, home: clientHome() }, request);
  const shown = {
    run: id,
    adapter: adapter.digest,
    backbone: card.backbone.name,
    method: card.method,
    length: card.length,
    classes: card.classes,
    mechanism: card.guarantee.mechanism,
    eta: card.guarantee.eta,
  };
  if (json) printJson(shown);
  else
    print(
      table(
        Object.entries(shown).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : String(value)]),
      ),
    );
}
