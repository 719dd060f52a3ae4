/** What Temporal is told of a failed activity. Messages and stack traces are stored by the server, so they carry nothing unknown. */
import { fileURLToPath } from 'node:url';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { TemporalFailure } from '@temporalio/common';
import { RaptError } from '../contracts/index.ts';

/** Failure type of an error that Rapt does not know. Retried: what is not understood may pass. */
export const UNEXPECTED = 'RaptUnexpected';

const projectRoot = fileURLToPath(new URL('..', import.meta.url));
const CLASS_NAME = /^[A-Za-z_$][\w$]{0,59}$/;
const ERROR_CODE = /^[A-Z][A-Z0-9_]{0,39}$/;

/** The same activities, with every failure in the form that Temporal understands. */
export function translateFailures<T extends object>(activities: T): T {
  const translated = Object.entries(activities).map(([name, activity]: [string, unknown]) => {
    if (typeof activity !== 'function') throw new TypeError(`activity ${name} is no function`);
    const call = async (...args: unknown[]): Promise<unknown> => {
      try {
        // Called as a member, since an activity may be a method.
        return await Reflect.apply(activity, activities, args);
      } catch (error) {
        throw await toFailure(error);
      }
    };
    return [name, call];
  });
  // Each function keeps its name, its parameters and its result.
  return Object.fromEntries(translated) as T;
}

/** A RaptError keeps kind and message, which are written for their reader. Cancellations and failures made by an activity itself pass.
 *  Of anything else only its class, its code and the place in Rapt's own code are told: its message might quote a text. */
async function toFailure(error: unknown): Promise<unknown> {
  const cancelled = await currentCancellation();
  if (cancelled !== null && isAbort(error)) return cancelled;
  if (error instanceof TemporalFailure) return error;
  if (error instanceof RaptError)
    return withoutPaths(ApplicationFailure.create({ type: error.kind, message: error.message, nonRetryable: !error.retryable }), error);
  return withoutPaths(ApplicationFailure.create({ type: UNEXPECTED, message: redact(error), nonRetryable: false }), error);
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
    const [, called, file, at] = /^\s+at (?:(?:async )?([\w$.<># ]+) \()?(?:file:\/\/)?(\/.+?):(\d+):\d+\)?$/.exec(line) ?? [];
    if (file === undefined || !file.startsWith(projectRoot) || file.includes('/node_modules/')) return [];
    return [`${called ?? 'anonymous'} (${file.slice(projectRoot.length)}:${at})`];
  });
}

/** A stack trace names the folders of its machine. */
function withoutPaths(failure: ApplicationFailure, error: unknown): ApplicationFailure {
  failure.stack = error instanceof Error ? ownFrames(error).map((frame) => `    at ${frame}`).join('\n') : '';
  return failure;
}

const isAbort = (error: unknown): boolean => error instanceof Error && (error.name === 'AbortError' || error.name === 'AbortSignalError');

/** The failure by which Temporal tells a cancelled activity from a failed one; null when this one was not cancelled. */
async function currentCancellation(): Promise<unknown> {
  let context: Context;
  try {
    context = Context.current();
  } catch {
    return null; // called outside an activity, as a library does
  }
  if (!context.cancellationSignal.aborted) return null;
  return context.cancelled.catch((reason: unknown) => reason);
}
