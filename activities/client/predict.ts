import { existsSync } from 'node:fs';
import { Context } from '@temporalio/activity';
import {
  BadInput,
  type ClientActivities,
  type FinishedPrediction,
  type PreparedPrediction,
  type Sha256,
} from '../../contracts/index.ts';
import {
  ownTerms,
  questionColumns,
  refuseOutput,
  releaseQuestion,
  toldAccuracy,
  writeAnswers,
  type AnsweredRows,
} from '../../rapt/client/index.ts';
import { resolveDataset } from '../../rapt/data/index.ts';
import { releaseFolder } from '../../rapt/home.ts';
import { inSpan } from '../../telemetry/index.ts';
import { beat } from '../heartbeat.ts';
import { admitPrediction, refuseChangedTables, type AdmittedPrediction, type Guarded } from './admission/guard.ts';
import { assertOneHome } from './admission/one-home.ts';
import type { ClientDependencies } from './dependencies.ts';
import { publishRelease } from './publish.ts';
import { rememberAnswered } from './records/answered.ts';
import {
  answeredBefore,
  assertSameQuestion,
  findQuestion,
  readQuestion,
  rememberQuestion,
} from './records/question.ts';
import { readTunedAdapter } from './records/run-record.ts';
import { countDrawn, countRelease } from './release-counters.ts';
import { readPredictions, readStoredCard } from './stored-results.ts';

/** The `preparePrediction` activity: the texts that are asked about are released, by the terms of the owner's own
 *  record of the run that is asked. */
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
  const columns = questionColumns(request, config.data);
  const terms = await ownTerms(home, tenant, record);
  const admission = await request.admit({ ...terms, columns });
  if (out !== undefined) {
    // The owner's own shell may replace a file, and an earlier attempt may have written this one.
    const mayReplace = admission.word !== null || findQuestion(home, tenant, prediction)?.out === out;
    await refuseOutput(out, path, { mayReplace });
  }
  const card = await readStoredCard(store, adapter);
  // The GPU worker reads them; what the store has lost is missed before anything is drawn.
  for (const file of Object.values(adapter.files)) await store.get(file);
  const released = await releaseQuestion({
    home,
    tenant,
    prediction,
    run,
    record,
    terms,
    path,
    columns,
    card,
    isPublic: admission.isPublic,
    protectsLabels: admission.protectsLabels,
    policyBudget: admission.budget,
    onChosen: async (localKey) => {
      assertSameQuestion(home, { tenant, prediction, localKey });
      if (findQuestion(home, tenant, prediction) === null) await refuseChangedTables(admission);
    },
    signal: Context.current().cancellationSignal,
    onProgress: beat,
    step: inSpan,
    onDrawn: countDrawn,
    onReleased: countRelease,
  });
  const { localKey, digest } = released;
  await rememberQuestion(home, {
    tenant,
    prediction,
    path: released.path,
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
    input: { path: released.path, ...columns },
  };
}

/** The `finishPrediction` activity: the answers are joined with the table's rows. Table, columns, classes and file are
 *  those that this client wrote down when it prepared the prediction. */
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
  const answers = await readPredictions(store, ref);
  const isRepeated = await answeredBefore(home, { tenant, prediction }, ref.sha256);
  if (existsSync(out) && !isRepeated && admission.word === null)
    throw new BadInput([
      {
        where: 'out',
        problem:
          `${out} has come to exist since the question was asked, and a request by the policy replaces no file; ` +
          'move it away, and ask again under another id',
      },
    ]);
  const { cancellationSignal } = Context.current();
  const { labelled, right } = await writeAnswers({ path, columns, classes, answers, out, signal: cancellationSignal });
  return finishedPrediction(home, {
    prepared: { tenant, prediction, localKey, input: { label: columns.label } },
    predictions: ref.sha256,
    rows: answers.rows.length,
    out,
    labelled,
    right,
  });
}

interface Answered extends AnsweredRows {
  readonly prepared: Pick<PreparedPrediction, 'tenant' | 'prediction' | 'localKey'> & {
    readonly input: { readonly label?: string | undefined };
  };
  /** Of the answers as the provider gave them. */
  readonly predictions: Sha256;
  readonly rows: number;
  readonly out: string;
}

/** What leaves of a prediction; the owner's own figure is written down first. */
export async function finishedPrediction(
  home: string,
  { prepared, predictions, rows, out, labelled, right }: Answered,
): Promise<FinishedPrediction> {
  if (labelled === 0) return { rows, out, accuracy: null };
  const { tenant, prediction, localKey, input } = prepared;
  await rememberAnswered(home, tenant, prediction, { rows, out, labelled, accuracy: right / labelled });
  const question = { predictions, label: input.label ?? null };
  const accuracy = await toldAccuracy(releaseFolder(home, tenant, localKey), { labelled, right }, question);
  return { rows, out, accuracy };
}
