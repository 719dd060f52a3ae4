/** Answers for new texts: they are privatized here, and joined with the answers here. */
import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Context } from '@temporalio/activity';
import {
  BadInput,
  ErrorKind,
  RaptError,
  type ClientActivities,
  type FinishedPrediction,
  type PreparedPrediction,
} from '../../contracts/index.ts';
import { locateBackbone, openLocated } from '../../rapt/backbone/index.ts';
import { questionProblems, reserve, type DueRelease } from '../../rapt/client/index.ts';
import { releaseFolder, tenantFolder } from '../../rapt/home.ts';
import {
  csvCell,
  inspectTable,
  readTable,
  resolveDataset,
  type Row,
  type TableColumns,
} from '../../rapt/data/index.ts';
import { clientSecret } from '../../rapt/ledger/index.ts';
import { createMechanismInTurns } from '../../rapt/privacy/index.ts';
import { drawPrediction, hashInput, keptTokens, openRelease, predictionKey } from '../../rapt/release/index.ts';
import { assertSameWeights } from '../../rapt/tuning/index.ts';
import { fileProblem, makeFolder, unwritable, writeWholeFile } from '../../system/index.ts';
import { inSpan } from '../../telemetry/index.ts';
import { beat } from '../heartbeat.ts';
import { countDrawn, countRelease } from './release-counters.ts';
import type { ClientDependencies } from './dependencies.ts';
import { admitPrediction, refuseChangedTables, type AdmittedPrediction, type Guarded } from './admission/guard.ts';
import { finishedPrediction, keepProtection } from './records/graded-prediction.ts';
import { assertOneHome } from './admission/one-home.ts';
import { ownClasses, ownTerms, refuseChangedCard } from './own-terms.ts';
import { publishRelease } from './publish.ts';
import {
  answeredBefore,
  assertSameQuestion,
  findQuestion,
  readQuestion,
  rememberQuestion,
} from './records/question.ts';
import { readTunedAdapter } from './records/run-record.ts';
import { readPredictions, readStoredCard } from './stored-results.ts';

/** The `preparePrediction` activity. How the texts are privatized is the owner's own record of the run that is asked,
 *  and never what came with the adapter. */
export async function preparePrediction(
  { store, home }: ClientDependencies,
  request: AdmittedPrediction,
): Promise<PreparedPrediction> {
  const { tenant, run, prediction, out } = request;
  await assertOneHome({ store, home }, tenant);
  // What is drawn is paid for.
  const path = resolveDataset(request.in, 'test');
  const record = readTunedAdapter(home, tenant, run);
  const { config, adapter } = record;
  const columns = columnsOf(request, config.data);
  const owner = await ownTerms(home, tenant, record);
  const admission = await request.admit({ ...owner, columns });
  if (out !== undefined) await refuseOutput(out, path, { home, tenant, prediction, replaces: admission.word !== null });
  const card = await readStoredCard(store, adapter);
  // The GPU worker reads them; what the store has lost is missed before anything is drawn.
  for (const file of Object.values(adapter.files)) await store.get(file);
  if (columns.pair !== undefined && config.data.pairColumn === undefined)
    throw new BadInput([{ where: 'pairColumn', problem: `run ${run} was tuned on single texts; leave it out` }]);
  const context = Context.current();
  const { rows } = await inspectTable(path, columns);
  const input = await hashInput(path);
  const files = await locateBackbone(config.backbone);
  const backbone = await openLocated(files);
  const { table, outputIds, tokenizer, description } = backbone;
  assertSameWeights(card, description.sha256);
  refuseChangedCard(run, card, { ...owner, record, backbone, classes: await ownClasses(home, tenant, record) });
  const secret = await clientSecret(tenantFolder(home, tenant));
  const read = (): AsyncIterable<Row> => readTable(path, { text: columns.text, pair: columns.pair });
  const problems = await questionProblems(card, files.folder, backbone, read(), path);
  if (problems.length > 0) throw new BadInput(problems);
  const localKey = predictionKey(tenant, card, input, columns, secret);
  assertSameQuestion(home, { tenant, prediction, localKey });
  if (findQuestion(home, tenant, prediction) === null) await refuseChangedTables(admission);
  const folder = releaseFolder(home, tenant, localKey);
  const { mechanism: name, eta } = owner;
  const due: DueRelease = {
    localKey,
    tenant,
    run: prediction,
    purpose: 'prediction',
    mechanism: name,
    eta,
    labelEpsilon: null,
    labels: 'none',
    table: table.sha256,
    budget: config.privacy.budget,
    policyBudget: admission.budget,
    public: admission.isPublic,
    rows: read,
    tokens: (row) => keptTokens(row, tokenizer, card.maxTokens),
  };
  await reserve(
    tenantFolder(home, tenant),
    secret,
    due,
    (await openRelease(folder)) !== null,
    context.cancellationSignal,
  );
  const mechanism = await createMechanismInTurns(
    { name, eta: eta ?? undefined, table, outputIds },
    context.cancellationSignal,
  );
  try {
    const drawn = await inSpan(
      'draw',
      () =>
        drawPrediction({
          tenant,
          card,
          input,
          columns,
          rows,
          folder,
          tokenizer,
          mechanism,
          backbone: description,
          signal: context.cancellationSignal,
          onProgress: beat,
          onDrawn: (tokens) => countDrawn(due, tokens),
        }),
      { rows },
    );
    countRelease(due, drawn);
    await keepProtection(folder, {
      isProtected: card.guarantee.labelEpsilon !== undefined || admission.protectsLabels,
    });
    const { digest } = drawn;
    await rememberQuestion(home, {
      tenant,
      prediction,
      path: input.path,
      columns,
      classes: card.classes,
      out: out ?? null,
      localKey,
      asked: request.asked,
    });
    const release = await publishRelease({ store, home }, tenant, localKey, digest);
    return {
      prediction,
      tenant,
      localKey,
      release,
      adapter,
      backbone: config.backbone,
      guarantee: card.guarantee,
      input: { path: input.path, ...columns },
    };
  } finally {
    mechanism.dispose();
  }
}

/** The `finishPrediction` activity: the table's rows in order, each with its class and probability. Which table,
 *  columns, classes and file is what this client wrote down when it prepared the prediction. */
export async function finishPrediction(
  { store, home, tenant }: ClientDependencies & Guarded,
  { prepared, predictions: ref, out: told }: Parameters<ClientActivities['finishPrediction']>[0],
): Promise<FinishedPrediction> {
  const { path, columns, classes, out, localKey, asked, prediction } = readQuestion(
    home,
    tenant,
    prepared.prediction,
    told,
  );
  // The policy may have changed since.
  const admission = await admitPrediction({ home, tenant }, asked).admit({
    ...(await ownTerms(home, tenant, readTunedAdapter(home, tenant, asked.run))),
    columns,
  });
  const { rows, predicted, probability } = await readPredictions(store, ref);
  const isRepeated = await answeredBefore(home, { tenant, prediction }, ref.sha256);
  if (existsSync(out) && !isRepeated && admission.word === null)
    throw new BadInput([
      {
        where: 'out',
        problem:
          `${out} has come to exist since the question was asked, and a request by the policy replaces no file; move ` +
          'it away, and ask again under another id',
      },
    ]);
  const places = new Map(rows.map((row, at) => [row, at]));
  const line = out.endsWith('.jsonl') ? jsonLine : csvLine;
  let labelled = 0;
  let right = 0;
  async function* answers(): AsyncGenerator<string> {
    if (line === csvLine) yield 'row,text,prediction,probability\r\n';
    for await (const row of readTable(path, columns, { unlabelled: 'keep' })) {
      const at = places.get(row.number);
      if (at === undefined)
        throw new BadInput([
          { where: path, problem: 'changed while it was being classified; run the prediction again' },
        ]);
      const answer = classes[predicted[at]!];
      if (answer === undefined)
        throw new RaptError(
          ErrorKind.corruptArtifact,
          'the answers name a class that the adapter does not have; run the prediction again',
        );
      if (row.label !== null) {
        labelled++;
        if (row.label === answer) right++;
      }
      yield line(row, answer, probability[at]!);
    }
  }
  try {
    makeFolder(dirname(out));
  } catch (error) {
    throw unwritable(out, error);
  }
  await writeWholeFile(out, answers(), { signal: Context.current().cancellationSignal });
  return finishedPrediction(home, {
    prepared: { tenant, prediction, localKey, input: { label: columns.label } },
    predictions: ref.sha256,
    rows: rows.length,
    out,
    labelled,
    right,
  });
}

interface Outputs {
  readonly home: string;
  readonly tenant: string;
  readonly prediction: string;
  /** Whether a file that is there may be replaced, which the owner's own shell may do. */
  readonly replaces: boolean;
}

/** @throws BadInput when no file can be written there, or the table itself would be. */
async function refuseOutput(
  out: string,
  input: string,
  { home, tenant, prediction, replaces }: Outputs,
): Promise<void> {
  const problem = fileProblem(out, { makesFolders: true });
  if (problem !== null) throw new BadInput([{ where: out, problem }]);
  const [theirs, own] = await Promise.all([out, input].map((path) => realpath(path).catch(() => null)));
  if (theirs !== null && theirs === own)
    throw new BadInput([
      { where: out, problem: 'is the table that is asked about; give the answers a file of their own' },
    ]);
  // An earlier attempt may have written them.
  if (theirs !== null && !replaces && findQuestion(home, tenant, prediction)?.out !== out)
    throw new BadInput([
      { where: 'out', problem: `${out} exists, and a request by the policy replaces no file; name another` },
    ]);
}

function columnsOf(
  request: { textColumn?: string | undefined; pairColumn?: string | undefined; labelColumn?: string | undefined },
  data: { textColumn: string; pairColumn?: string | undefined },
): TableColumns {
  return {
    text: request.textColumn ?? data.textColumn,
    pair: request.pairColumn ?? data.pairColumn,
    label: request.labelColumn,
  };
}

const jsonLine = ({ number, text }: Row, prediction: string, probability: number): string =>
  `${JSON.stringify({ row: number, text, prediction, probability })}\n`;

const csvLine = ({ number, text }: Row, prediction: string, probability: number): string =>
  `${[String(number), text, prediction, String(probability)].map(csvCell).join(',')}\r\n`;
