/** The kinds of failure that Rapt tells apart. The kind is Temporal's failure `type` and is readable by the
 *  provider. */
export const ErrorKind = {
  /** The configuration or the user's table is wrong; the message lists everything that is. Never retried. */
  badInput: 'RaptBadInput',
  /** The release would cost more than is left of a budget. Nothing was drawn. Never retried. */
  budgetExceeded: 'RaptBudgetExceeded',
  /** An artifact does not have the bytes its digest promises. Never retried. */
  corruptArtifact: 'RaptCorruptArtifact',
  /** The release is not whole in the store. The workflow lets the client, which has the bytes, publish it again. */
  releaseDamaged: 'RaptReleaseDamaged',
  /** Another attempt of the same run owns the checkpoint pointer now. The server has given this one up long ago. */
  overtaken: 'RaptOvertaken',
  /** A service did not answer within its own retries. */
  unavailable: 'RaptUnavailable',
  /** A disk or the object store has no space left. */
  noSpace: 'RaptNoSpace',
  /** The model process ended without a result, or hung and was killed. */
  trainerCrashed: 'RaptTrainerCrashed',
  /** The model process crashed again and again from the same checkpoint. Never retried. */
  trainerGivenUp: 'RaptTrainerGivenUp',
  /** The loss is no longer a number. Never retried. */
  diverged: 'RaptDiverged',
  /** Something that must exist was not found. Never retried. */
  notFound: 'RaptNotFound',
  /** The process's own credentials, its token or its keys, are refused. Whoever gives them out can mend that. */
  credentialsRefused: 'RaptCredentialsRefused',
  /** The process's rights at a service do not allow what was asked. Never retried. */
  accessDenied: 'RaptAccessDenied',
  /** An error that Rapt does not know. It may pass. */
  unexpected: 'RaptUnexpected',
} as const;
export type ErrorKind = (typeof ErrorKind)[keyof typeof ErrorKind];

/** How often an activity is tried that fails in this way. Some kinds are tried for as long as it takes: an outage ends,
 *  and a run that gave up before would have to be resumed by hand. Others are tried a few times only, since an error
 *  that is not understood might come again for ever. Failures of each kind are counted separately. An attempt whose
 *  worker was killed is not a failure of any kind, and is repeated without end. */
export const TRIES: Readonly<Record<ErrorKind, number>> = {
  [ErrorKind.badInput]: 1,
  [ErrorKind.budgetExceeded]: 1,
  [ErrorKind.corruptArtifact]: 1,
  [ErrorKind.releaseDamaged]: 1,
  [ErrorKind.overtaken]: 10,
  [ErrorKind.unavailable]: Infinity,
  [ErrorKind.noSpace]: Infinity,
  [ErrorKind.trainerCrashed]: 10,
  [ErrorKind.trainerGivenUp]: 1,
  [ErrorKind.diverged]: 1,
  [ErrorKind.notFound]: 1,
  [ErrorKind.credentialsRefused]: Infinity,
  [ErrorKind.accessDenied]: 1,
  [ErrorKind.unexpected]: 10,
};

/** The kinds for which a second try cannot help. The workflows' retry policies name them. */
export const NON_RETRYABLE_KINDS: readonly ErrorKind[] = Object.values(ErrorKind).filter((kind) => TRIES[kind] === 1);

/** A failure whose reader can act on it: the message says what was wrong, where, and what to do. It never quotes a
 *  user's text. */
export class RaptError extends Error {
  override readonly name = 'RaptError';
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.kind = kind;
  }
}

/** One thing that is wrong with the input, and the way out. `where` is a field's path, or a file with row and
 *  column. */
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
