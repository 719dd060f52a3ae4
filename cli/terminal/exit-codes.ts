import { ErrorKind, RaptError } from '../../contracts/index.ts';

/** What the command's exit code means. */
export const EXIT = { done: 0, failed: 1, badInput: 2, gateMissed: 3, unavailable: 4, interrupted: 130 } as const;

const BAD_INPUT: readonly string[] = [ErrorKind.badInput, ErrorKind.budgetExceeded, ErrorKind.notFound];
const UNAVAILABLE: readonly string[] = [ErrorKind.unavailable, ErrorKind.credentialsRefused, ErrorKind.accessDenied];

/** The exit code of an error's kind. The type of a failure that comes by Temporal is such a kind. */
export function exitCodeOfKind(kind: string | null | undefined): number {
  if (BAD_INPUT.includes(kind ?? '')) return EXIT.badInput;
  return UNAVAILABLE.includes(kind ?? '') ? EXIT.unavailable : EXIT.failed;
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandFailure) return error.exitCode;
  return error instanceof RaptError ? exitCodeOfKind(error.kind) : EXIT.failed;
}

/** Ends the command with a message and a code of its own. */
export class CommandFailure extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}
