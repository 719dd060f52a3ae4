/** What the data owner's side does with texts: releases them, each with its cost in the ledger, attacks what was
 *  released, and grades answers. */
export { assertCardOfRelease } from './adapter-card.ts';
export { attackRelease, tokenizedLines } from './attack.ts';
export { attack, type AttackOptions } from './attack-table.ts';
export {
  adapterProblems,
  dryRun,
  fittingProblems,
  stepBytes,
  type DryRun,
  type DryRunOptions,
  type Planned,
} from './dry-run.ts';
export { knownReleases, releasesToTakeOver, type KnownRelease } from './earlier.ts';
export {
  gradeOnce,
  readGraded,
  toldEvaluation,
  type Graded,
  type GradeOptions,
  type TellLabels,
  type Told,
  type ToldEvaluation,
} from './grade.ts';
export { toldAccuracy, keepProtection, type AnsweredRows } from './grade-prediction.ts';
export { ownTerms, type AskedAdapter, type OwnTerms } from './own-terms.ts';
export { questionColumns, refuseOutput, releaseQuestion, writeAnswers } from './predict.ts';
export { outputProblem } from '../release/index.ts';
export { privatize, type PrivatizeOptions } from './privatize.ts';
export { releaseTables, type ReleaseTablesOptions } from './release.ts';
export {
  judgedValues,
  releasedAudit,
  releasedGates,
  releasedMetrics,
  releasedRelease,
  sizeOf,
  toldUnchanged,
  whyNotTold,
} from './told-results.ts';
export { limitsFor, reserve, type DueRelease } from './reserve.ts';
export { openReport, sealReport } from './sealed-report.ts';
export { scoreAnswers } from './score.ts';
export { classRowsOf, type ClassRows } from './class-rows.ts';
export { untoldGates } from './untold-gates.ts';
export { inPercent, notesOn, TokenSurvey, unknownNote } from './token-survey.ts';
