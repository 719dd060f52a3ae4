/** What Temporal is told of a failed activity. The server stores messages and stack traces, so nothing goes into them
 *  that might quote a text. */
import { ApplicationFailure, type Context } from '@temporalio/activity';
import { TemporalFailure } from '@temporalio/common';
import { ErrorKind, RaptError, TRIES } from '../contracts/index.ts';
import { isOutOfSpace, projectRoot } from '../system/index.ts';
import { countFailure } from './heartbeat.ts';

const ROOT = `${projectRoot}/`;
const CLASS_NAME = /^[A-Za-z_$][\w$]{0,59}$/;
const ERROR_CODE = /^[A-Z][A-Z0-9_]{0,39}$/;

/** A RaptError keeps kind and message, which are written for their reader. Cancellations and failures made by an
 *  activity itself pass. Of anything else only its class, its code and the place in Rapt's own code are told: its
 *  message might quote a text. */
export async function toFailure(thrown: unknown, side: 'client' | 'gpu', context: Context): Promise<unknown> {
  if (context.cancellationSignal.aborted && isAbort(thrown))
    return context.cancelled.catch((reason: unknown) => reason);
  if (thrown instanceof TemporalFailure) return thrown;
  const { kind, message } = known(thrown, side);
  // Failures are counted by kind, so that an outage that was waited for leaves a later crash all of its tries.
  const failures = countFailure(context, kind);
  const tries = TRIES[kind];
  const nonRetryable = failures >= tries;
  const givenUp = nonRetryable && tries > 1 ? ` (given up: it failed ${failures} times in this way)` : '';
  return withoutPaths(ApplicationFailure.create({ type: kind, message: message + givenUp, nonRetryable }), thrown);
}

/** Messages as they were before they were sealed, for this worker's own log. */
const readable = new WeakMap<object, string>();

/** The failure with its message sealed; its kind stays readable. Cancellations say nothing of the owner's. */
export function sealedFailure(failure: unknown, seal: (message: string) => string): unknown {
  if (!(failure instanceof ApplicationFailure)) return failure;
  readable.set(failure, failure.message);
  failure.message = seal(failure.message);
  return failure;
}

/** Null for what was not sealed here. */
export const readableMessage = (failure: object): string | null => readable.get(failure) ?? null;

function known(error: unknown, side: 'client' | 'gpu'): RaptError {
  if (isOutOfSpace(error))
    return new RaptError(
      ErrorKind.noSpace,
      `no space is left on the disk of the ${side} worker; free some where its RAPT_HOME lies, and the run goes on ` +
        'by itself',
    );
  return error instanceof RaptError ? error : new RaptError(ErrorKind.unexpected, redact(error));
}

/** Class, code and place of an error whose message is not known to be harmless. */
export function redact(error: unknown): string {
  if (!(error instanceof Error)) return `an unexpected ${typeof error} was thrown`;
  const { name } = error.constructor;
  const code = 'code' in error && typeof error.code === 'string' && ERROR_CODE.test(error.code) ? ` ${error.code}` : '';
  const place = ownFrames(error)[0];
  return `unexpected ${CLASS_NAME.test(name) ? name : 'error'}${code}${place === undefined ? '' : ` in ${place}`}`;
}

/** The stack's frames in Rapt's own files, as "function (folder/file.ts:line)". */
function ownFrames(error: Error): string[] {
  // The stack begins with the message, which must not be taken for a frame.
  const frames = (error.stack ?? '').replace(error.message, '').split('\n');
  return frames.flatMap((line) => {
    const [, called, file, at] =
      /^\s+at (?:(?:async )?([\w$.<># ]+) \()?(?:file:\/\/)?(\/.+?):(\d+):\d+\)?$/.exec(line) ?? [];
    // Rapt itself may lie in somebody's node_modules.
    if (file === undefined || !file.startsWith(ROOT) || file.slice(ROOT.length).startsWith('node_modules/')) return [];
    return [`${called ?? 'anonymous'} (${file.slice(ROOT.length)}:${at})`];
  });
}

/** A stack trace names the folders of its machine. */
function withoutPaths(failure: ApplicationFailure, error: unknown): ApplicationFailure {
  failure.stack =
    error instanceof Error
      ? ownFrames(error)
          .map((frame) => `    at ${frame}`)
          .join('\n')
      : '';
  return failure;
}

const isAbort = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'AbortError' || error.name === 'AbortSignalError');
