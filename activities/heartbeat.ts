/** Heartbeats say that the worker lives. Whether the work goes on is watched where it is done: by the store's
 *  time-outs, and by the model process's watchdog. So a heartbeat's time-out can be short, and a worker that was killed
 *  is replaced within seconds. */
import { Context } from '@temporalio/activity';

/** A blocked event loop sends no heartbeat, so that a hung worker is noticed as well. */
const INTERVAL_MS = 2000;

/** Beside what an activity says: how many of its attempts failed, by kind. The server keeps the last heartbeat from
 *  attempt to attempt. */
const FAILURES = 'failures';
type Failures = Readonly<Record<string, number>>;

const latest = new WeakMap<Context, unknown>();

/** Heartbeats at once with these details, and repeats them until there are others. */
export function beat(details: unknown): void {
  const context = Context.current();
  say(context, withFailures(details, failuresOf(context)));
}

/** Heartbeats for as long as the activity's body runs; before it says anything, with what the attempt before said
 *  last. */
export async function withHeartbeats<T>(body: () => Promise<T>): Promise<T> {
  const context = Context.current();
  latest.set(context, context.info.heartbeatDetails);
  const timer = setInterval(() => context.heartbeat(latest.get(context)), INTERVAL_MS);
  try {
    return await body();
  } finally {
    clearInterval(timer);
  }
}

/** Writes a failure of this attempt down where the attempts after it find it. An attempt whose
 *  worker is killed writes nothing.
 *  @returns how many attempts have failed in this way, this one included. */
export function countFailure(context: Context, kind: string): number {
  const before = failuresOf(context);
  const count = (before[kind] ?? 0) + 1;
  say(context, withFailures(said(context), { ...before, [kind]: count }));
  return count;
}

function say(context: Context, details: unknown): void {
  latest.set(context, details);
  context.heartbeat(details);
}

const said = (context: Context): unknown => (latest.has(context) ? latest.get(context) : context.info.heartbeatDetails);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What crosses from attempt to attempt may be of another version. */
function failuresOf(context: Context): Failures {
  const details = said(context);
  const failures = isRecord(details) ? details[FAILURES] : undefined;
  if (!isRecord(failures)) return {};
  return Object.fromEntries(
    Object.entries(failures).flatMap(([kind, count]) => (Number.isInteger(count) ? [[kind, count as number]] : [])),
  );
}

function withFailures(details: unknown, failures: Failures): unknown {
  if (Object.keys(failures).length === 0) return details;
  return { ...(isRecord(details) ? details : {}), [FAILURES]: failures };
}
