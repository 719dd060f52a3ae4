/** Looks a user's table over and proposes a run on it. Tells names, counts and lengths; of the content, the names of the classes alone. */
import { randomBytes } from 'node:crypto';
import { parseTuningConfig, type TuningConfig } from '../../contracts/index.ts';
import { inspectTables, proposeColumns, readTable, surveyTable, tableAddress, type ChosenColumns, type ColumnSurvey, type ProposedColumns } from '../../rapt/data/index.ts';
import { clientHome, tenantFolder } from '../../rapt/home.ts';
import { countTexts, Ledger, readBudget, tenantSpent, TextCollector } from '../../rapt/ledger/index.ts';
import { trainingCost, trainingRate, type TrainingCost, type TrainingRate } from './estimate.ts';

/** Shares of the vocabulary that stay themselves, whose eta is told beside the proposed one. */
const OTHER_SHARES = [0.1, 0.3, 0.5, 0.7, 0.9];
/** The share is meant roughly, and a round number is easier to keep to. */
const ETA_DIGITS = 2;
const LONGEST_TEXT = 480;
const SHORTEST_CUT = 16;

export interface ProposalOptions {
  readonly file: string;
  readonly chosen: ChosenColumns;
  readonly backbone: string;
  readonly tenant: string;
  /** Share of public tokens that is to stay itself. */
  readonly unchanged: number;
}

/** Tokens of a row, of both its texts together, before they are cut. */
export interface RowLengths {
  readonly p05: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly most: number;
}

export interface Proposal {
  readonly file: string;
  readonly rows: { readonly train: number; readonly test: number; readonly empty: number };
  readonly columns: readonly ColumnSurvey[];
  readonly unusable: readonly string[];
  readonly proposed: ProposedColumns;
  readonly classes: readonly { readonly name: string; readonly rows: number }[];
  readonly lengths: RowLengths;
  /** Rows that are cut. */
  readonly cut: number;
  readonly duplicates: { /** Texts beyond the first of each. */ readonly texts: number; /** Times that the most frequent text occurs. */ readonly most: number };
  /** The proposed eta first. */
  readonly etas: readonly { readonly eta: number; readonly unchanged: number }[];
  readonly cost: TrainingCost & {
    readonly rate: TrainingRate;
    /** Of the user's texts, after the cut. */
    readonly tokens: number;
    readonly etaOfText: number;
    readonly etaOfTenant: number;
    /** What the tenant has spent before, null for everything; and its budget, null for none. */
    readonly spentBefore: number | null;
    readonly budgetOfTenant: number | null;
  };
  readonly config: TuningConfig;
}

/** @throws BadInput with everything for which a run on this table would be refused. */
export async function proposeRun({ file, chosen, backbone, tenant, unchanged }: ProposalOptions): Promise<Proposal> {
  const path = tableAddress(file);
  const survey = await surveyTable(path);
  const proposed = proposeColumns(path, survey, chosen);
  const columns = { train: path, textColumn: proposed.text, labelColumn: proposed.label, ...(proposed.pair === undefined ? {} : { pairColumn: proposed.pair }) };
  const { classes, classCounts, rows, skipped } = await inspectTables(accepted({ tenant, backbone, data: columns }).data);

  // They come with TensorFlow, which takes its time; a table that is refused is refused without it.
  const { openBackbone } = await import('../../rapt/backbone/index.ts');
  const { calibrate } = await import('../../rapt/privacy/index.ts');
  const { tokenizer, table, outputIds } = await openBackbone(backbone);
  const measured = await measureTexts(path, proposed, tokenizer);
  const maxTokens = Math.min(LONGEST_TEXT, Math.max(SHORTEST_CUT, 8 * Math.ceil(measured.lengths.p95 / 8)));
  const shares = [unchanged, ...OTHER_SHARES.filter((share) => share !== unchanged)];
  const etas = shares.map((targetUnchanged) => calibrate({ name: 'exponential', table, outputIds, targetUnchanged, digits: ETA_DIGITS }));
  const { eta } = etas[0]!;
  const config = accepted({ tenant, backbone, data: { ...columns, maxTokens }, privacy: { mechanism: 'exponential', eta } });

  const home = clientHome();
  const rate = await trainingRate(home, tenant, backbone);
  const tokens = measured.histogram.reduce((sum, count, length) => sum + count * Math.min(length, maxTokens), 0);
  const spent = tenantSpent(await new Ledger(tenantFolder(home, tenant)).releases());
  return {
    file: path,
    rows: { ...rows, empty: skipped.train },
    columns: survey.columns,
    unusable: survey.unusable,
    proposed,
    classes: classes.map((name, at) => ({ name, rows: classCounts.train[at]! + classCounts.test[at]! })),
    lengths: measured.lengths,
    cut: measured.histogram.reduce((sum, count, length) => sum + (length > maxTokens ? count : 0), 0),
    duplicates: measured.duplicates,
    etas,
    cost: {
      ...trainingCost(config, rows.train, tokens / (rows.train + rows.test), rate),
      rate,
      tokens,
      etaOfText: eta,
      etaOfTenant: eta * measured.duplicates.most,
      spentBefore: spent === Infinity ? null : spent,
      budgetOfTenant: readBudget(tenantFolder(home, tenant)).perTenant ?? null,
    },
    config,
  };
}

function accepted(input: unknown): TuningConfig {
  const parsed = parseTuningConfig(input);
  if (!parsed.ok) throw new Error(`the proposed configuration is not valid: ${parsed.problems.map(({ where, problem }) => `${where} ${problem}`).join('; ')}`);
  return parsed.value;
}

interface MeasuredTexts {
  /** Rows of each number of tokens; the last one holds the longer ones too. */
  readonly histogram: Uint32Array;
  readonly lengths: RowLengths;
  readonly duplicates: Proposal['duplicates'];
}

const LONGEST_COUNTED = 4096;

async function measureTexts(file: string, columns: ProposedColumns, tokenizer: { encode(text: string, maxTokens: number): Int32Array }): Promise<MeasuredTexts> {
  const histogram = new Uint32Array(LONGEST_COUNTED + 1);
  // As the ledger counts them. The digests are thrown away, so any key will do.
  const collector = new TextCollector(randomBytes(32));
  let rows = 0;
  for await (const { text, pair } of readTable(file, columns)) {
    let length = 0;
    for (const one of pair === null ? [text] : [text, pair]) {
      collector.add(one);
      length += tokenizer.encode(one, LONGEST_COUNTED).length;
    }
    histogram[Math.min(length, LONGEST_COUNTED)]!++;
    rows++;
  }
  const quantile = (share: number): number => {
    let seen = 0;
    return Math.max(0, histogram.findIndex((count) => (seen += count) >= share * rows));
  };
  const texts = collector.finish();
  const { digests, times } = countTexts(texts);
  return {
    histogram,
    lengths: { p05: quantile(0.05), p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99), most: histogram.findLastIndex((count) => count > 0) },
    duplicates: { texts: texts.length - digests.length, most: times.reduce((most, count) => Math.max(most, count), 0) },
  };
}
