/** Heartbeats say that the worker lives. That the work moves is watched where the work is done: by the store's time-outs, and by the
 *  model process's watchdog. So a heartbeat's time-out can be short, and a worker that was killed is replaced within seconds. */
import { Context } from '@temporalio/activity';

/** A blocked event loop sends none, so that a hung worker is noticed as well. */
const INTERVAL_MS = 2000;

const latest = new WeakMap<Context, unknown>();

/** Heartbeats at once with these details, and repeats them until there are others. */
export function beat(details: unknown): void {
  const context = Context.current();
  latest.set(context, details);
  context.heartbeat(details);
}

/** Heartbeats for as long as the activity's body runs; before it says anything, with what the attempt before said last. */
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
