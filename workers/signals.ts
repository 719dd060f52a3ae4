/** How a worker is told to stop. Until it listens, a signal ends the process at once, as it does with any other
 *  program: nothing has begun yet that could be saved. */

const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGUSR2'];
/** Signals within this time count as one. A terminal's Ctrl-C reaches every process of the group, and `npm` passes it
 *  on to its child, so that the process hears it twice. */
const SAME_WISH_MS = 1000;

/** Calls `stop` at the first signal; a later one ends the process at once. @returns a function that ends the
 *  listening. */
export function onStopSignal(stop: () => void): () => void {
  let firstMs: number | null = null;
  const unlisten = (): void => {
    for (const signal of STOP_SIGNALS) process.off(signal, hear);
  };
  function hear(signal: NodeJS.Signals): void {
    if (firstMs === null) {
      firstMs = performance.now();
      stop();
    } else if (performance.now() - firstMs > SAME_WISH_MS) {
      unlisten();
      process.kill(process.pid, signal);
    }
  }
  for (const signal of STOP_SIGNALS) process.on(signal, hear);
  return unlisten;
}
