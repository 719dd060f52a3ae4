/** report, export, predict: what a finished run is used for. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { RunRecord, TunedAdapter } from '../../activities/client/index.ts';
import { ADAPTER_FILES, BadInput, BUILT_IN_DATASETS, ErrorKind, parsePredictInput, RaptError, WORKFLOW_TYPE, type FinishedPrediction } from '../../contracts/index.ts';
import { resolveStore } from '../../infra/index.ts';
import { clientHome, tenantFolder } from '../../rapt/home.ts';
import { CommandFailure } from '../exit-codes.ts';
import { percent, print, printJson, say } from '../output.ts';
import { explainFailure, startOrAttach, withTemporal } from '../temporal.ts';


/** The client's code comes with TensorFlow, which takes a second to load: only the commands that need it do. */
async function recordOf(tenant: string, run: string): Promise<RunRecord> {
  const { readRunRecord } = await import('../../activities/client/index.ts');
  return readRunRecord(clientHome(), tenant, run);
}

async function adapterOf(tenant: string, run: string): Promise<TunedAdapter> {
  const { readTunedAdapter } = await import('../../activities/client/index.ts');
  return readTunedAdapter(clientHome(), tenant, run);
}

interface PredictOptions {
  run: string;
  tenant: string;
  text?: string;
  pair?: string;
  in?: string;
  out?: string;
  textColumn?: string;
  pairColumn?: string;
  labelColumn?: string;
  json?: true;
}

const FORMATS = ['html', 'json', 'md'] as const;

interface ReportOptions {
  run: string;
  tenant: string;
  format?: string;
  out?: string;
  json?: true;
}

async function showReport({ run, tenant, format, out, json }: ReportOptions): Promise<void> {
  if (out !== undefined && format === undefined) throw new BadInput([{ where: '--out', problem: 'needs --format, which says what is to be written' }]);
  if (format !== undefined && json) throw new BadInput([{ where: '--json', problem: 'tells where the report lies; give either this or --format' }]);
  const { report } = (await recordOf(tenant, run)).result;
  if (format === undefined) {
    if (json) printJson(report);
    else print(`${report.path}\n${report.uri}`);
    return;
  }
  const wanted = FORMATS.find((one) => one === format);
  if (wanted === undefined) throw new BadInput([{ where: '--format', problem: `must be one of ${FORMATS.join(', ')}, not "${format}"` }]);
  const path = join(dirname(report.path), `report.${wanted}`);
  if (!existsSync(path)) throw new RaptError(ErrorKind.notFound, `run ${run} has no ${wanted} report here: it finished under an earlier version, or its folder was removed`);
  const content = readFileSync(path, 'utf8');
  if (out === undefined) print(content.trimEnd());
  else {
    writeFileSync(out, content);
    say(`the report is in ${resolve(out)}`);
  }
}

export function addResultCommands(program: Command): void {
  program
    .command('report')
    .description('where the report of a finished run lies, or the report itself')
    .requiredOption('--run <id>', 'a finished run of this client')
    .option('--format <name>', `${FORMATS.join(', ')}: print it`)
    .option('--out <file>', 'with --format: write it into this file')
    .option('--tenant <name>', 'tenant of the run', 'local')
    .option('--json', 'print where it lies as one JSON object')
    .addHelpText('after', '\nThe page needs nothing beside it: it can be mailed, printed and opened without a network.\nExamples: rapt report --run nightly\n          rapt report --run nightly --format md --out nightly.md\n          rapt report --run nightly --format json | jq .metrics.accuracy')
    .action(showReport);

  program
    .command('export')
    .description("write a run's adapter into a folder, as Hugging Face PEFT lays it out, with its head beside it")
    .requiredOption('--run <id>', 'a finished run of this client, or an imported adapter')
    .requiredOption('--out <folder>', 'made if need be')
    .option('--tenant <name>', 'tenant of the run', 'local')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt export --run nightly --out adapter')
    .action(async ({ run, out, tenant, json }: { run: string; out: string; tenant: string; json?: true }) => {
      const { adapter } = await adapterOf(tenant, run);
      const { createMinioStore } = await import('../../storage/index.ts');
      const store = createMinioStore(resolveStore({ kind: 'operator' }));
      mkdirSync(out, { recursive: true });
      for (const file of ADAPTER_FILES) await store.getToFile(adapter.files[file], join(out, file));
      if (json) printJson({ folder: resolve(out), sha256: adapter.digest, files: ADAPTER_FILES });
      else say(`adapter ${adapter.digest} is in ${resolve(out)}`);
    });

  program
    .command('predict')
    .description("classify new texts with a finished run's adapter; they are privatized here first")
    .requiredOption('--run <id>', 'a finished run of this client, or an imported adapter')
    .option('--text <text>', 'one text')
    .option('--pair <text>', 'the second text of a pair task')
    .option('--in <file>', 'a table of texts: .csv, .tsv, .jsonl, each also .gz, .parquet or .arrow; or a data set folder; also at an s3:// address')
    .option('--out <file>', 'where the answers go: .csv or .jsonl')
    .option('--text-column <name>', "default: the run's")
    .option('--pair-column <name>', "default: the run's")
    .option('--label-column <name>', 'column with the right answers; the accuracy is then told')
    .option('--tenant <name>', 'tenant of the run', 'local')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nEach prediction is a release of its own: asking twice with the same file re-uses the first, any other file is drawn anew.\nExample: rapt predict --run nightly --text "A film to remember."\n         rapt predict --run nightly --in new.csv --out answers.csv')
    .action(async (options: PredictOptions) => {
      if ((options.text === undefined) === (options.in === undefined)) throw new BadInput([{ where: 'rapt predict', problem: 'give either --text, or --in with --out' }]);
      if (options.in !== undefined && options.out === undefined) throw new BadInput([{ where: '--out', problem: 'is needed with --in; it names the file for the answers' }]);
      if (options.text === undefined) {
        const finished = await predict(options, options.in!, options.out!);
        if (options.json) printJson(finished);
        else say(`${finished.rows} rows classified into ${finished.out}${finished.accuracy === null ? '' : `, ${percent(finished.accuracy)} of them as labelled`}`);
        return;
      }
      await predictOne(options, options.text);
    });
}

async function predictOne(options: PredictOptions, text: string): Promise<void> {
  const { config } = await adapterOf(options.tenant, options.run);
  const inbox = join(tenantFolder(clientHome(), options.tenant), 'inbox');
  mkdirSync(inbox, { recursive: true, mode: 0o700 });
  const row = { [config.data.textColumn]: text, ...(config.data.pairColumn === undefined ? {} : { [config.data.pairColumn]: options.pair ?? '' }) };
  const content = `${JSON.stringify(row)}\n`;
  // The name goes to the server with the path. It says nothing about the text: the pid and a time would do as well.
  const base = join(inbox, `${Date.now()}-${process.pid}`);
  const question = `${base}.jsonl`;
  const answer = `${base}.answer.jsonl`;
  writeFileSync(question, content, { mode: 0o600 });
  try {
    await predict({ ...options, labelColumn: undefined }, question, answer);
    const { prediction, probability } = JSON.parse(readFileSync(answer, 'utf8')) as { prediction: string; probability: number };
    if (options.json) printJson({ prediction, probability });
    else print(`${prediction} (probability ${probability.toFixed(3)})`);
  } finally {
    rmSync(question, { force: true });
    rmSync(answer, { force: true });
  }
}

async function predict({ run, tenant, textColumn, pairColumn, labelColumn }: Omit<PredictOptions, 'labelColumn'> & { labelColumn?: string | undefined }, input: string, out: string): Promise<FinishedPrediction> {
  const { tableAddress } = await import('../../rapt/data/index.ts');
  const table = (BUILT_IN_DATASETS as readonly string[]).includes(input) ? input : tableAddress(input);
  const parsed = parsePredictInput({ run, tenant, in: table, out: resolve(out), textColumn, pairColumn, labelColumn });
  if (!parsed.ok) throw new BadInput(parsed.problems);
  return withTemporal(async (link) => {
    const id = `${run}-predict-${randomBytes(4).toString('hex')}`;
    const { handle } = await startOrAttach(link, WORKFLOW_TYPE.predict, id, parsed.value);
    try {
      return (await handle.result()) as FinishedPrediction;
    } catch (error) {
      const { message, exitCode } = explainFailure(error, id);
      throw new CommandFailure(message, exitCode);
    }
  });
}
