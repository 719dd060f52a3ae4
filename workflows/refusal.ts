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
  return ApplicationFailure.create({ type: ErrorKind.badInput, message: lines.join('\n'), nonRetryable: true });
}
