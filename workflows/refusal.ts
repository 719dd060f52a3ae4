import { ApplicationFailure, patched, workflowInfo } from '@temporalio/workflow';
import { ErrorKind, idProblems } from '../contracts/index.ts';
import type { InputProblem, Parsed } from '../contracts/index.ts';

/** The checked input. @throws ApplicationFailure non-retryable, with every problem on a line of its own. */
export function accepted<T>(parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw badInput(parsed.problems);
}

/** Of a run that anybody may have started, the name as well. @throws ApplicationFailure as `accepted`. */
export function acceptId(kind: 'run' | 'prediction'): void {
  const problems = idProblems(workflowInfo().workflowId, kind, 'workflow id');
  // One that began before there was this check goes on as it began.
  if (problems.length > 0 && patched('id checked')) throw badInput(problems);
}

function badInput(problems: readonly InputProblem[]): ApplicationFailure {
  const lines = problems.map(({ where, problem }) => `${where}: ${problem}`);
  const failure = ApplicationFailure.create({
    type: ErrorKind.badInput,
    message: lines.join('\n'),
    nonRetryable: true,
  });
  // The UI shows it below the message, and where the check stands in the code says nothing to whoever wrote the input.
  failure.stack = '';
  return failure;
}
