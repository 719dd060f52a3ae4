/** The kinds of failure that Rapt tells apart. The kind is Temporal's failure `type` and is readable by the provider. */
export const ErrorKind = {
  /** The configuration or the user's table is wrong; the message lists everything that is. Never retried. */
  badInput: 'RaptBadInput',
  /** An artifact does not have the bytes its digest promises. Never retried. */
  corruptArtifact: 'RaptCorruptArtifact',
  /** Another attempt of the same run owns the checkpoint pointer now. Never retried. */
  overtaken: 'RaptOvertaken',
  /** A service did not answer within its retries. Retried by Temporal. */
  unavailable: 'RaptUnavailable',
  /** The training process ended without a result. Retried by Temporal. */
  trainerCrashed: 'RaptTrainerCrashed',
  /** The loss is no longer a number. Never retried. */
  diverged: 'RaptDiverged',
  /** Something that must exist was not found. Never retried. */
  notFound: 'RaptNotFound',
  /** A service refused the credentials, or they do not cover what was asked. Never retried. */
  accessDenied: 'RaptAccessDenied',
} as const;
export type ErrorKind = (typeof ErrorKind)[keyof typeof ErrorKind];

const RETRYABLE: ReadonlySet<ErrorKind> = new Set([ErrorKind.unavailable, ErrorKind.trainerCrashed]);

/** Every kind for which a second try cannot help; the workflows' retry policies name these. */
export const NON_RETRYABLE_KINDS: readonly ErrorKind[] = Object.values(ErrorKind).filter((kind) => !RETRYABLE.has(kind));

/** A failure that its reader can act on: what was wrong, where, what to do. Messages never quote a user's text. */
export class RaptError extends Error {
  override readonly name = 'RaptError';
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.kind = kind;
  }

  get retryable(): boolean {
    return RETRYABLE.has(this.kind);
  }
}

/** One thing wrong with what the user gave, and the way out. `where` is a field path, or a file with row and column. */
export interface InputProblem {
  readonly where: string;
  readonly problem: string;
}

/** All that is wrong with the input, one line each. */
export class BadInput extends RaptError {
  readonly problems: readonly InputProblem[];

  constructor(problems: readonly InputProblem[]) {
    super(ErrorKind.badInput, problems.map(({ where, problem }) => `${where}: ${problem}`).join('\n'));
    this.problems = problems;
  }
}
