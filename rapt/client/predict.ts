/** A prediction on the data owner's side: the texts that are asked about are released, and joined with their answers.
 *  The owner's own record of the run that is asked says how the texts are privatized, and never what came with the
 *  adapter. */
import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  BadInput,
  ErrorKind,
  RaptError,
  type AdapterCard,
  type Budget,
  type Predictions,
  type PreparePrediction,
  type Sha256,
  type TuningConfig,
} from '../../contracts/index.ts';
import { fileProblem, makeFolder, unwritable, writeWholeFile } from '../../system/index.ts';
import { locateBackbone, openLocated } from '../backbone/index.ts';
import { csvCell, inspectTable, readTable, type Row, type TableColumns } from '../data/index.ts';
import { releaseFolder, tenantFolder } from '../home.ts';
import { clientSecret } from '../ledger/index.ts';
import { createMechanismInTurns } from '../privacy/index.ts';
import {
  drawPrediction,
  hashInput,
  keptTokens,
  openRelease,
  predictionSpec,
  type DrawnRelease,
} from '../release/index.ts';
import { assertSameWeights } from '../tuning/index.ts';
import { refuseChangedCard } from './adapter-card.ts';
import { questionProblems } from './adapter-problems.ts';
import { keepProtection, type AnsweredRows } from './grade-prediction.ts';
import { ownClasses, type AskedAdapter, type OwnTerms } from './own-terms.ts';
import { reserve, type DueRelease } from './reserve.ts';

/** The columns that a request names, or else those of the run that is asked. */
export const questionColumns = (
  { textColumn, pairColumn, labelColumn }: Pick<PreparePrediction, 'textColumn' | 'pairColumn' | 'labelColumn'>,
  data: Pick<TuningConfig['data'], 'textColumn' | 'pairColumn'>,
): TableColumns => ({
  text: textColumn ?? data.textColumn,
  pair: pairColumn ?? data.pairColumn,
  label: labelColumn,
});

/** @param input the table. @param mayReplace whether a file that is there may be replaced.
 *  @throws BadInput when no file can be written there, or the table itself would be. */
export async function refuseOutput(
  out: string,
  input: string,
  { mayReplace }: { readonly mayReplace: boolean },
): Promise<void> {
  const problem = fileProblem(out, { makesFolders: true });
  if (problem !== null) throw new BadInput([{ where: out, problem }]);
  const [theirs, own] = await Promise.all([out, input].map((path) => realpath(path).catch(() => null)));
  if (theirs !== null && theirs === own)
    throw new BadInput([
      { where: out, problem: 'is the table that is asked about; give the answers a file of their own' },
    ]);
  if (theirs !== null && !mayReplace)
    throw new BadInput([
      { where: 'out', problem: `${out} exists, and a request by the policy replaces no file; name another` },
    ]);
}

export interface ReleaseQuestionOptions {
  /** Folder of all tenants of this machine. */
  readonly home: string;
  readonly tenant: string;
  /** Name of the prediction. */
  readonly prediction: string;
  /** The run that is asked, and the owner's own record of it. */
  readonly run: string;
  readonly record: AskedAdapter;
  /** From `ownTerms`. */
  readonly terms: OwnTerms;
  /** The table as `resolveDataset` finds it, and its columns. */
  readonly path: string;
  readonly columns: TableColumns;
  /** As it lies beside the adapter in the store. */
  readonly card: AdapterCard;
  /** Whether the table is public, so that its texts are nobody's secret. */
  readonly isPublic: boolean;
  /** Whether the owner's policy lets labels of this table be told of with noise alone. */
  readonly protectsLabels: boolean;
  /** That of the owner's policy, which holds besides the run's and the client's. */
  readonly policyBudget?: Budget | undefined;
  /** Stops within a batch; what was drawn stays for the next attempt. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: { readonly rows: number; readonly rowsTotal: number }) => void) | undefined;
  /** Does the work of each step, to see how long it takes. */
  readonly step?:
    (<T>(name: string, work: () => Promise<T>, measures: { readonly rows: number }) => Promise<T>) | undefined;
  /** Called with the release's name, before anything is reserved. */
  readonly onChosen?: ((localKey: string) => Promise<void> | void) | undefined;
  readonly onDrawn?: ((release: DueRelease, tokens: number) => void) | undefined;
  readonly onReleased?: ((release: DueRelease, released: DrawnRelease) => void) | undefined;
}

export interface ReleasedQuestion {
  readonly localKey: string;
  /** Of the release. */
  readonly digest: Sha256;
  /** The table that was read. */
  readonly path: string;
}

/** The release of the texts that are asked about, drawn once and found again by every later attempt. @throws BadInput,
 *  before anything is reserved, for what the adapter cannot be asked, and for a card that somebody changed; as
 *  `reserve`; the signal's reason. */
export async function releaseQuestion({
  home,
  tenant,
  prediction,
  run,
  record,
  terms,
  path,
  columns,
  card,
  isPublic,
  protectsLabels,
  policyBudget,
  signal,
  onProgress,
  step = (_, work) => work(),
  onChosen,
  onDrawn,
  onReleased,
}: ReleaseQuestionOptions): Promise<ReleasedQuestion> {
  const { config } = record;
  if (columns.pair !== undefined && config.data.pairColumn === undefined)
    throw new BadInput([{ where: 'pairColumn', problem: `run ${run} was tuned on single texts; leave it out` }]);
  const { rows } = await inspectTable(path, columns);
  const input = await hashInput(path);
  const files = await locateBackbone(config.backbone);
  const backbone = await openLocated(files);
  const { table, outputIds, tokenizer, description } = backbone;
  assertSameWeights(card, description.sha256);
  refuseChangedCard(run, card, { ...terms, record, backbone, classes: await ownClasses(home, tenant, record) });
  const secret = await clientSecret(tenantFolder(home, tenant));
  const read = (): AsyncIterable<Row> => readTable(path, { text: columns.text, pair: columns.pair });
  const problems = await questionProblems(card, files.folder, backbone, read(), path);
  if (problems.length > 0) throw new BadInput(problems);
  const localKey = predictionSpec({ tenant, card, input, columns, backbone: description }).toKey(secret);
  await onChosen?.(localKey);

  const folder = releaseFolder(home, tenant, localKey);
  const { mechanism: name, eta } = terms;
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
    policyBudget,
    public: isPublic,
    rows: read,
    tokens: (row) => keptTokens(row, tokenizer, card.maxTokens),
  };
  const isComplete = (await openRelease(folder)) !== null;
  await reserve(tenantFolder(home, tenant), secret, due, isComplete, signal);
  const mechanism = await createMechanismInTurns({ name, eta: eta ?? undefined, table, outputIds }, signal);
  try {
    const draw = (): Promise<DrawnRelease> =>
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
        signal,
        onProgress,
        onDrawn: (tokens) => onDrawn?.(due, tokens),
      });
    const drawn = await step('draw', draw, { rows });
    onReleased?.(due, drawn);
    await keepProtection(folder, { isProtected: card.guarantee.labelEpsilon !== undefined || protectsLabels });
    return { localKey, digest: drawn.digest, path: input.path };
  } finally {
    mechanism.dispose();
  }
}

export interface WriteAnswersOptions {
  /** The table that was asked about, and its columns. */
  readonly path: string;
  readonly columns: TableColumns;
  /** In the order of the adapter's answers. */
  readonly classes: readonly string[];
  readonly answers: Pick<Predictions, 'rows' | 'predicted' | 'probability'>;
  /** Where they go: .jsonl, or else CSV. */
  readonly out: string;
  readonly signal?: AbortSignal | undefined;
}

/** Writes the table's rows in order, each with its class and probability.
 *  @throws BadInput when the table is not the one that was asked about any more, or the file cannot be written;
 *  RaptError corruptArtifact for a class that the adapter does not have; the signal's reason. */
export async function writeAnswers({
  path,
  columns,
  classes,
  answers: { rows, predicted, probability },
  out,
  signal,
}: WriteAnswersOptions): Promise<AnsweredRows> {
  const places = new Map(rows.map((row, at) => [row, at]));
  const line = out.endsWith('.jsonl') ? jsonLine : csvLine;
  let labelled = 0;
  let right = 0;
  async function* lines(): AsyncGenerator<string> {
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
  await writeWholeFile(out, lines(), { signal });
  return { labelled, right };
}

const jsonLine = ({ number, text }: Row, prediction: string, probability: number): string =>
  `${JSON.stringify({ row: number, text, prediction, probability })}\n`;

const csvLine = ({ number, text }: Row, prediction: string, probability: number): string =>
  `${[String(number), text, prediction, String(probability)].map(csvCell).join(',')}\r\n`;
