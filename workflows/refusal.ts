import { ApplicationFailure } from '@temporalio/workflow';
import { ErrorKind } from '../contracts/index.ts';
import type { InputProblem, Parsed } from '../contracts/index.ts';

/** The checked input. @throws ApplicationFailure non-retryable, with every problem on a line of its own. */
export function accepted<T>(parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw badInput(parsed.problems);
}

function badInput(problems: readonly InputProblem[]): ApplicationFailure {
  const lines = problems.map(({ where, problem }) => `${where}: ${problem}`);
  const failure = ApplicationFailure.create({ type: ErrorKind.badInput, message: lines.join('\n'), nonRetryable: true });
  // The UI shows it below the message, and where the check stands in the code says nothing to whoever wrote the input.
  failure.stack = '';
  return failure;
}
