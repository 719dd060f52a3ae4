/** What a worker writes about itself: one JSON object a line, on stderr. */
import { DefaultLogger, type LogEntry, type LogLevel } from '@temporalio/worker';
import { ApplicationFailure, rootCause } from '@temporalio/common';
import { readableMessage, redact } from '../activities/failures.ts';
import { RaptError } from '../contracts/index.ts';

/** Fields of Rapt's own lines: numbers, and words of fixed lists. */
const EVENT_FIELDS = ['rows', 'tokens', 'step', 'sizeBytes', 'seconds', 'outcome', 'kind'] as const;
/** The fields that are logged. Those of Temporal hold names and numbers that its server has anyway. All other fields of
 *  a message are left out, among them payloads and memos. */
const LOGGED_FIELDS = [
  'workflowId',
  'runId',
  'workflowType',
  'activityId',
  'activityType',
  'attempt',
  'taskQueue',
  'durationMs',
  'sdkComponent',
  'traceId',
  'spanId',
  ...EVENT_FIELDS,
] as const;
/** The name in an activity's lines for what is called runId in those of a workflow. */
const RUN_ID_OF_ACTIVITY = 'workflowRunId';

/** The SDK's warning about the kind of work that a worker does not do, which each kind of worker gets. */
const NOT_ITS_KIND = /^No (workflows|activities) registered, not polling for/;

export function createLogger(level: LogLevel = 'WARN'): DefaultLogger {
  return new DefaultLogger(level, (entry) => {
    if (!NOT_ITS_KIND.test(entry.message)) process.stderr.write(`${JSON.stringify(logLine(entry))}\n`);
  });
}

export function logLine({ level, message, timestampNanos, meta }: LogEntry): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const name of LOGGED_FIELDS) {
    const value: unknown = meta?.[name];
    if (typeof value === 'string' || typeof value === 'number') fields[name] = value;
  }
  const runId: unknown = meta?.[RUN_ID_OF_ACTIVITY];
  if (typeof runId === 'string') fields['runId'] = runId;
  const error: unknown = meta?.['error'];
  return {
    time: new Date(Number(timestampNanos / 1_000_000n)).toISOString(),
    level: level.toLowerCase(),
    message: firstLine(message),
    ...fields,
    ...(error === undefined ? {} : { error: describe(error) }),
  };
}

/** The SDK puts stack traces and causes into some messages. */
const firstLine = (message: string): string => message.split('\n', 1)[0] ?? '';

/** An error in words, for the log of this worker's own machine. Rapt's own messages quote no text, but on the client
 *  they may name files and columns: Temporal gets those messages sealed, and the log has them in plain words. Of other
 *  errors only class, code and place are told. */
export function describe(error: unknown): string {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof RaptError) return `${at.kind}: ${at.message}`;
    if (at instanceof ApplicationFailure && at.type?.startsWith('Rapt') === true)
      return `${at.type}: ${readableMessage(at) ?? rootCause(at) ?? ''}`;
  }
  return redact(error);
}
