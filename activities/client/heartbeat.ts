import { Context } from '@temporalio/activity';

const INTERVAL_MS = 10_000;

/** Heartbeats while a pass over a file lasts that tells nothing of its own progress. */
export async function withHeartbeats<T>(body: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), INTERVAL_MS);
  try {
    return await body();
  } finally {
    clearInterval(timer);
  }
}
