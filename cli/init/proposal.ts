/** Looks a user's table over and proposes a run on it. The proposal holds names of columns, counts and lengths. Of
 *  the content it holds only the names of the classes. */
import { randomBytes } from 'node:crypto';
import { parseTuningConfig, type TuningConfig } from '../../contracts/index.ts';
import {
  inspectTables,
  proposeColumns,
  surveyTable,
  tableAddress,
  tableNotes,
  type ChosenColumns,
  type ColumnSurvey,
  type ProposedColumns,
} from '../../rapt/data/index.ts';
import { clientHome, tenantFolder } from '../../rapt/home.ts';
import { Ledger, knownSecret, readBudget, tenantSpent } from '../../rapt/ledger/index.ts';
import { inTurns } from '../../rapt/turns.ts';
import { backboneAddress } from '../options/config-paths.ts';
import { LONGEST_COUNTED, measureTexts, type MeasuredTexts, type RowLengths } from './measured-texts.ts';
import { trainingCost, trainingRate, type TrainingCost, type TrainingRate } from './estimate.ts';

/** Shares of the vocabulary that stay themselves: the eta of each is told beside the proposed one. */
const OTHER_SHARES = [0.1, 0.3, 0.5, 0.7, 0.9];
/** Significant digits of a proposed eta. The share is meant roughly, and a round number is easier to remember. */
const ETA_DIGITS = 2;
/** When a round eta leaves this much more of the tokens than was asked for, it gets another digit. */
const ABOVE = 0.01;
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

export interface ProposedEta {
  readonly eta: number;
  /** Share of the vocabulary's tokens that stay themselves. */
  readonly unchanged: number;
}

export interface Proposal {
  readonly file: string;
  readonly rows: { readonly train: number; readonly test: number; readonly empty: number };
  readonly columns: readonly ColumnSurvey[];
  readonly unusable: readonly string[];
  readonly repeated: readonly string[];
  readonly proposed: ProposedColumns;
  readonly classes: readonly { readonly name: string; readonly rows: number }[];
  readonly lengths: RowLengths;
  /** Rows that are cut. */
  readonly cut: number;
  /** What a person should know of how the table was read. */
  readonly notes: readonly string[];
  /** Share of the tokens that the backbone's tokenizer does not know. */
  readonly unknownRate: number;
  /** Rows of which the tokenizer leaves nothing. */
  readonly withoutTokens: number;
  readonly duplicates: MeasuredTexts['duplicates'];
  /** The proposed eta first. */
  readonly etas: readonly ProposedEta[];
  readonly cost: TrainingCost & {
    readonly rate: TrainingRate;
    /** Memory of one step on the machine that trains. */
    readonly stepBytes: number;
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
export async function proposeRun({
  file,
  chosen,
  backbone: named,
  tenant,
  unchanged,
}: ProposalOptions): Promise<Proposal> {
  const backbone = backboneAddress(named);
  const path = tableAddress(file);
  const survey = await surveyTable(path);
  const proposed = proposeColumns(path, survey, chosen);
  const columns = {
    train: path,
    textColumn: proposed.text,
    labelColumn: proposed.label,
    ...(proposed.pair === undefined ? {} : { pairColumn: proposed.pair }),
  };
  const inspection = await inspectTables(accepted({ tenant, backbone, data: columns }).data);
  const { classes, classCounts, rows, skipped } = inspection;

  // These load TensorFlow, which takes a while. A table that is refused is refused before that.
  const { locateBackbone, openLocated } = await import('../../rapt/backbone/index.ts');
  const { stepBytes, TokenSurvey, unknownNote } = await import('../../rapt/client/index.ts');
  const { Calibrator } = await import('../../rapt/privacy/index.ts');
  const { keptTokens } = await import('../../rapt/release/index.ts');
  const files = await locateBackbone(backbone);
  const opened = await openLocated(files);
  const { tokenizer, table, outputIds } = opened;
  const tokenSurvey = new TokenSurvey(tokenizer, LONGEST_COUNTED);
  const home = clientHome();
  const key = (await knownSecret(tenantFolder(home, tenant))) ?? randomBytes(32);
  const measured = await measureTexts(path, proposed, key, tokenSurvey, (row) =>
    keptTokens(row, tokenizer, LONGEST_TEXT),
  );
  const unknown = unknownNote(tokenSurvey.unknownShare);
  const maxTokens = Math.min(LONGEST_TEXT, Math.max(SHORTEST_CUT, 8 * Math.ceil(measured.lengths.p95 / 8)));
  const shares = [unchanged, ...OTHER_SHARES.filter((share) => share !== unchanged)];
  const calibrator = await inTurns(Calibrator.open(table, outputIds));
  const etaFor = async (share: number): Promise<ProposedEta> => {
    const short = await inTurns(calibrator.calibrating('exponential', share, ETA_DIGITS));
    if (short.unchanged <= share + ABOVE) return short;
    return inTurns(calibrator.calibrating('exponential', share, ETA_DIGITS + 1));
  };
  const etas: ProposedEta[] = [];
  for (const share of shares) etas.push(await etaFor(share));
  calibrator.dispose();
  const { eta } = etas[0]!;
  const config = accepted({
    tenant,
    backbone,
    data: { ...columns, maxTokens },
    privacy: { mechanism: 'exponential', eta },
  });

  const rate = await trainingRate(home, tenant, backbone);
  const tokens = measured.histogram.reduce((sum, count, length) => sum + count * Math.min(length, maxTokens), 0);
  const spent = tenantSpent(await new Ledger(tenantFolder(home, tenant)).releases());
  return {
    file: path,
    rows: { ...rows, empty: skipped.train },
    columns: survey.columns,
    unusable: survey.unusable,
    repeated: survey.repeated,
    proposed,
    classes: classes.map((name, at) => ({ name, rows: classCounts.train[at]! + classCounts.test[at]! })),
    lengths: measured.lengths,
    cut: measured.histogram.reduce((sum, count, length) => sum + (length > maxTokens ? count : 0), 0),
    notes: [...tableNotes(inspection), ...(unknown === null ? [] : [unknown])],
    unknownRate: tokenSurvey.unknownShare,
    withoutTokens: tokenSurvey.withoutTokens,
    duplicates: measured.duplicates,
    etas,
    cost: {
      ...trainingCost(config, rows.train, tokens / (rows.train + rows.test), rate),
      rate,
      stepBytes: stepBytes({ config, inspection, files, backbone: opened }),
      tokens,
      etaOfText: eta,
      etaOfTenant: eta * measured.alike,
      spentBefore: spent === Infinity ? null : spent,
      budgetOfTenant: readBudget(tenantFolder(home, tenant)).perTenant ?? null,
    },
    config,
  };
}

function accepted(input: unknown): TuningConfig {
  const parsed = parseTuningConfig(input);
  if (!parsed.ok)
    throw new Error(
      'the proposed configuration is not valid: ' +
        parsed.problems.map(({ where, problem }) => `${where} ${problem}`).join('; '),
    );
  return parsed.value;
}
