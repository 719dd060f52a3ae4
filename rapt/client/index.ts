/** What the data owner's side does with texts: releases them, each with its cost in the ledger, attacks what was
 *  released, grades answers, and joins them with the texts that were asked about. */
export { assertCardOfRelease } from './adapter-card.ts';
export { adapterProblems } from './adapter-problems.ts';
export { attackRelease, tokenizedLines } from './attack.ts';
export { attack, type AttackOptions } from './attack-table.ts';
export { classRowsOf, type ClassRows } from './class-rows.ts';
export { dryRun, stepBytes, type DryRun, type DryRunOptions, type Planned } from './dry-run.ts';
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
export { keepProtection, toldAccuracy, type AnsweredRows } from './grade-prediction.ts';
export { ownTerms, type AskedAdapter, type OwnTerms } from './own-terms.ts';
export { questionColumns, refuseOutput, releaseQuestion, writeAnswers } from './predict.ts';
export { privatize, type PrivatizeOptions } from './privatize.ts';
export { releaseTables, type ReleaseTablesOptions } from './release.ts';
export { limitsFor, reserve, type DueRelease } from './reserve.ts';
export { scoreAnswers } from './score.ts';
export { openReport, sealReport } from './sealed-report.ts';
export { inPercent, notesOn, TokenSurvey, unknownNote } from './token-survey.ts';
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
export { untoldGates } from './untold-gates.ts';
export { outputProblem } from '../release/index.ts';
