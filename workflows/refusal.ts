/** Refusing a wrong input, with everything that is wrong in it. */
import { ApplicationFailure, patched, workflowInfo } from '@temporalio/workflow';
import { ErrorKind, idProblems } from '../contracts/index.ts';
import type { InputProblem, Parsed } from '../contracts/index.ts';

/** The input, when it is good. @throws ApplicationFailure non-retryable, with each problem on a line of its own. */
export function accepted<T>(parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw badInput(parsed.problems);
}

/** Checks the workflow's id, which whoever started it chose. @throws ApplicationFailure as `accepted`. */
export function acceptId(kind: 'run' | 'prediction'): void {
  const problems = idProblems(workflowInfo().workflowId, kind, 'workflow id');
  // A workflow that began before there was this check goes on with its id.
  if (problems.length > 0 && patched('id checked')) throw badInput(problems);
}

function badInput(problems: readonly InputProblem[]): ApplicationFailure {
  const lines = problems.map(({ where, problem }) => `${where}: ${problem}`);
  const failure = ApplicationFailure.create({
    type: ErrorKind.badInput,
    message: lines.join('\n'),
    nonRetryable: true,
  });
  // The UI shows the stack below the message. Where the check stands in the code does not help whoever wrote the input.
  failure.stack = '';
  return failure;
}
