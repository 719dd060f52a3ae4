/** init: from a table to a configuration. */
import { existsSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { BadInput, DEFAULT_BACKBONE } from '../../contracts/index.ts';
import { gibibytes, majority, minutes, rateInWords, tuningFile } from '../init/tuning-file.ts';
import type { Proposal } from '../init/proposal.ts';
import { rateOf, tenantNameOf } from '../options/values.ts';
import { percent, print, printJson, say, table } from '../terminal/output.ts';
import { assertFile } from '../options/written-files.ts';

interface InitOptions {
  out: string;
  force?: true;
  textColumn?: string;
  pairColumn?: string;
  labelColumn?: string;
  unchanged: string;
  backbone: string;
  tenant: string;
  json?: true;
}

export function addTo(program: Command): void {
  program
    .command('init')
    .description(
      'look a table over, and write a configuration for it with what it will cost; no server is needed, nothing is ' +
        'released',
    )
    .argument(
      '<file>',
      '.csv, .tsv, .jsonl, each also .gz, .parquet, .arrow or .feather; or a data set folder; also at an s3:// address',
    )
    .option('--out <file>', 'the configuration', 'tuning.yaml')
    .option('--force', 'replace a configuration that is there')
    .option('--text-column <name>', 'default: the one that looks most like texts')
    .option('--pair-column <name>', 'second text of a pair task')
    .option('--label-column <name>', 'default: the one that looks most like labels')
    .option('--unchanged <rate>', "share of the vocabulary's tokens that is to stay itself", '0.5')
    .option('--backbone <name>', 'model folder, or name', DEFAULT_BACKBONE)
    .option('--tenant <name>', 'in whose name it will run', 'local')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nOf the content, only the names of the classes are shown.\nExample: rapt init reviews.csv && rapt run -f ' +
        'tuning.yaml --wait',
    )
    .action(init);
}

async function init(file: string, options: InitOptions): Promise<void> {
  const { out, force, textColumn: text, pairColumn: pair, labelColumn: label, backbone, json } = options;
  const tenant = tenantNameOf('--tenant', options.tenant);
  const unchanged = rateOf('--unchanged', options.unchanged)!;
  if (!force && existsSync(out)) throw exists(out);
  assertFile('--out', out, { inPlace: true });
  const { proposeRun } = await import('../init/proposal.ts');
  const chosen = {
    ...(text === undefined ? {} : { text }),
    ...(pair === undefined ? {} : { pair }),
    ...(label === undefined ? {} : { label }),
  };
  const proposal = await proposeRun({ file, chosen, backbone, tenant, unchanged });
  writeNew(out, tuningFile(proposal, out), force === true);
  if (json) printJson({ out, ...proposal });
  else {
    print(inWords(proposal));
    say(`\n${out} is written; look it over, then: rapt run -f ${out} --wait`);
  }
}

const exists = (out: string): BadInput =>
  new BadInput([{ where: out, problem: 'exists; give --force to replace it, or another name by --out' }]);

function writeNew(out: string, content: string, replace: boolean): void {
  try {
    writeFileSync(out, content, { flag: replace ? 'w' : 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw exists(out);
    throw new BadInput([{ where: out, problem: `cannot be written (${code ?? 'unknown reason'})` }]);
  }
}

function inWords({
  rows,
  columns,
  unusable,
  repeated,
  proposed,
  classes,
  lengths,
  cut,
  notes,
  unknownRate,
  withoutTokens,
  duplicates,
  etas,
  cost,
  config,
}: Proposal): string {
  const role = (name: string): string =>
    name === proposed.text
      ? 'text'
      : name === proposed.pair
        ? 'second text'
        : name === proposed.label
          ? 'label'
          : proposed.otherTexts.includes(name)
            ? 'looks like texts too'
            : '';
  const [{ eta, unchanged } = { eta: 0, unchanged: 0 }] = etas;
  const spent = cost.spentBefore === null ? 'everything' : `eta ${Number(cost.spentBefore.toPrecision(6))}`;
  return [
    table([
      ['column', 'used as', 'empty', 'different', 'words'],
      ...columns.map(({ name, empty, distinct, meanWords }) => [
        name,
        role(name),
        String(empty),
        distinct === null ? 'over 1000' : String(distinct),
        meanWords.toFixed(1),
      ]),
      ...unusable.map((name) => [name, 'holds lists or objects']),
      ...repeated.map((name) => [name, 'is the name of several columns']),
    ]),
    table([['class', 'rows'], ...classes.map(({ name, rows: count }) => [name, String(count)])]),
    table([
      [
        'rows',
        `${rows.train} to train on, ${rows.test} held ` +
          `out${rows.empty === 0 ? '' : `, ${rows.empty} empty ones passed over`}`,
      ],
      ['majority rate', percent(majority(classes))],
      [
        'tokens of a row',
        `${lengths.p05} / ${lengths.p50} / ${lengths.p95} / ${lengths.p99} (5 / 50 / 95 / 99 %), longest ` +
          `${lengths.most}`,
      ],
      [
        'unknown tokens',
        `${percent(unknownRate)} of ` +
          `them${
            withoutTokens === 0
              ? ''
              : `; ${withoutTokens} ` + `${withoutTokens === 1 ? 'row has' : 'rows have'} ` + 'no token at all'
          }`,
      ],
      ['maxTokens', `${config.data.maxTokens}; ${cut} rows are cut`],
      [
        'repeated texts',
        duplicates.texts === 0
          ? 'none'
          : `${duplicates.texts}, one of them ${duplicates.most} times: a text is released each time`,
      ],
      ['mechanism', `exponential, eta ${eta}: ${percent(unchanged)} of the vocabulary's tokens stay themselves`],
      ['leaves', `${cost.tokens} tokens, privatized`],
      [
        'spends',
        `eta ${cost.etaOfText} of each text, eta ${cost.etaOfTenant} of the tenant's, which has spent ` +
          `${spent}${cost.budgetOfTenant === null ? '' : ` of ${cost.budgetOfTenant}`}${
            cost.spentBefore === 0 ? '' : '; texts that left before under ' + 'these settings cost nothing'
          }`,
      ],
      [
        'training',
        `${cost.steps} steps, about ${minutes(cost.minutes)}, ${rateInWords(cost.rate)}; a step takes about ` +
          `${gibibytes(cost.stepBytes)} of memory`,
      ],
    ]),
    ...(notes.length === 0 ? [] : [notes.map((note) => `note: ${note}`).join('\n')]),
  ].join('\n\n');
}
