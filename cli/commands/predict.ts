/** predict: new texts asked of a finished run's adapter. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { makeFolder } from '../../system/index.ts';
import { ownAccuracy } from '../../activities/client/records/answered.ts';
import { readTunedAdapter } from '../../activities/client/records/run-record.ts';
import { BadInput, parsePredictInput, WORKFLOW_TYPE, type FinishedPrediction } from '../../contracts/index.ts';
import { namedTemporal } from '../../settings/index.ts';
import { clientHome, tenantFolder } from '../../rapt/home.ts';
import { CommandFailure, EXIT } from '../terminal/exit-codes.ts';
import { followPrediction } from '../runs/follow-prediction.ts';
import { Interruption } from '../terminal/interruption.ts';
import { tenantFor, tenantOfRun } from '../runs/known-run.ts';
import { byPolicyOption, TABLE_FORMATS } from '../options/common-options.ts';
import { durationOf } from '../options/values.ts';
import { percent, print, printJson, say } from '../terminal/output.ts';
import { assertEnding, assertFile } from '../options/written-files.ts';
import { datasetAddress } from '../options/config-paths.ts';
import { startWorkflow } from '../runs/start-workflow.ts';
import { withTemporal } from '../temporal/connection.ts';
import { toldTerms } from '../runs/owner-word.ts';

interface PredictOptions {
  readonly run: string;
  readonly tenant?: string;
  readonly text?: string;
  readonly pair?: string;
  readonly in?: string;
  readonly out?: string;
  readonly textColumn?: string;
  readonly pairColumn?: string;
  readonly labelColumn?: string;
  readonly timeout?: string;
  readonly byPolicy?: true;
  readonly json?: true;
}

const TIMEOUT =
  'stop waiting after this time, such as 90s or 2h, with exit code 4; ' +
  'answers for a table are written all the same, later';
const HELP =
  '\nEach prediction is a release of its own: asking twice with the same file re-uses the first, ' +
  'any other file is drawn anew. Ctrl-C cancels the prediction.\n' +
  'Example: rapt predict --run nightly --text "A film to remember."\n' +
  '         rapt predict --run nightly --in new.csv --out answers.csv';

export function addTo(program: Command): void {
  program
    .command('predict')
    .description("classify new texts with a finished run's adapter; they are privatized here first")
    .requiredOption('--run <id>', 'a finished run of this client, or an imported adapter')
    .option('--text <text>', 'one text')
    .option('--pair <text>', 'the second text of a pair task')
    .option('--in <file>', `a table of texts: ${TABLE_FORMATS}`)
    .option('--out <file>', 'where the answers go: .csv or .jsonl')
    .option('--text-column <name>', "default: the run's")
    .option('--pair-column <name>', "default: the run's")
    .option('--label-column <name>', 'column with the right answers; the accuracy is then told')
    .option('--tenant <name>', "default: the run's")
    .option('--timeout <duration>', TIMEOUT)
    .addOption(byPolicyOption())
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(predict);
}

async function predict(options: PredictOptions): Promise<void> {
  const { text, in: input, out } = options;
  durationOf('--timeout', options.timeout);
  if ((text === undefined) === (input === undefined))
    throw new BadInput([{ where: 'rapt predict', problem: 'give either --text, or --in with --out' }]);
  if (text !== undefined) return predictOne(options, text);
  if (out === undefined)
    throw new BadInput([{ where: '--out', problem: 'is needed with --in; it names the file for the answers' }]);
  assertEnding('--out', out, ['.csv', '.jsonl']);
  // Of the local stack the client worker writes on this machine; another one looks for itself, before anything is
  // drawn.
  if (namedTemporal() === null) assertFile('--out', out, { makesFolders: true });
  const finished = await ask(options, { input: datasetAddress(input!), out: resolve(out), afterTimeout: 'goes on' });
  if (options.json) printJson(finished);
  else say(inWords(finished));
}

function inWords({ rows, out, accuracy }: FinishedPrediction): string {
  const answered = `${rows} rows classified into ${out}`;
  return accuracy === null ? answered : `${answered}, ${percent(accuracy)} of them as labelled`;
}

/** What somebody forgot to remove who was killed. */
const FORGOTTEN_MS = 24 * 3600 * 1000;

/** The text goes by a file: what Temporal is told is its name alone. */
async function predictOne(options: PredictOptions, text: string): Promise<void> {
  const tenant = tenantOfRun(options.run, options.tenant);
  const { config } = readTunedAdapter(clientHome(), tenant, options.run);
  const inbox = join(tenantFolder(clientHome(), tenant), 'inbox');
  makeFolder(inbox, 0o700);
  removeForgotten(inbox);
  const row = {
    [config.data.textColumn]: text,
    ...(config.data.pairColumn === undefined ? {} : { [config.data.pairColumn]: options.pair ?? '' }),
  };
  // The name goes to the server with the path. It says nothing about the text: the pid and a time would do as well.
  const base = join(inbox, `${Date.now()}-${process.pid}`);
  const question = `${base}.jsonl`;
  const answer = `${base}.answer.jsonl`;
  writeFileSync(question, `${JSON.stringify(row)}\n`, { mode: 0o600 });
  try {
    const { labelColumn: _, ...asked } = options;
    // Nobody would find the answer later.
    await ask({ ...asked, tenant }, { input: question, out: answer, afterTimeout: 'is cancelled' });
    const { prediction, probability } = JSON.parse(readFileSync(answer, 'utf8')) as {
      prediction: string;
      probability: number;
    };
    if (options.json) printJson({ prediction, probability });
    else print(`${prediction} (probability ${probability.toFixed(3)})`);
  } finally {
    rmSync(question, { force: true });
    rmSync(answer, { force: true });
  }
}

function removeForgotten(inbox: string): void {
  for (const name of readdirSync(inbox)) {
    const path = join(inbox, name);
    if (existsSync(path) && Date.now() - statSync(path).mtimeMs > FORGOTTEN_MS) rmSync(path, { force: true });
  }
}

interface Question {
  /** Paths on the client's machine. */
  readonly input: string;
  readonly out: string;
  readonly afterTimeout: 'goes on' | 'is cancelled';
}

/** Starts the prediction and waits for it. */
async function ask(
  { run, textColumn, pairColumn, labelColumn, timeout, ...options }: PredictOptions,
  { input, out, afterTimeout }: Question,
): Promise<FinishedPrediction> {
  const interruption = new Interruption();
  try {
    return await withTemporal(async (link) => {
      const tenant = await tenantFor(link, run, options.tenant);
      const parsed = parsePredictInput({ run, tenant, in: input, out, textColumn, pairColumn, labelColumn });
      if (!parsed.ok) throw new BadInput(parsed.problems);
      if (interruption.happened) throw new CommandFailure('interrupted; nothing was asked', EXIT.interrupted);
      const id = `${run}-predict-${randomBytes(4).toString('hex')}`;
      const told = await toldTerms(parsed.value);
      if (told !== null) say(told);
      await startWorkflow(link, WORKFLOW_TYPE.predict, id, parsed.value, options);
      const timeoutMs = durationOf('--timeout', timeout);
      const finished = await followPrediction(link, { id, tenant, timeoutMs, afterTimeout, interruption });
      return { ...finished, accuracy: ownAccuracy(clientHome(), tenant, id) ?? finished.accuracy };
    });
  } finally {
    interruption.close();
  }
}
