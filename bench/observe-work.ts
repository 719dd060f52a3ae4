/** Runs work, and tells what it did to its process: time, processor time, pauses and memory. */
export interface Observed {
  readonly seconds: number;
  /** Processor time of all cores together: what the work costs also where others work on the machine. */
  readonly cpuSeconds: number;
  /** Longest time during which nothing else in the process could run: no heartbeat, no cancellation. */
  readonly longestPauseMs: number;
  /** Longest such time in processor time of all cores together: its bound where nobody else works on the machine. */
  readonly longestPauseCpuMs: number;
  /** Memory of the process since its start, not only of this work. */
  readonly peakRssBytes: number;
}

const TICK_MS = 10;

/** Runs work, and measures it. */
export async function observe<T>(work: () => Promise<T>): Promise<Observed & { readonly value: T }> {
  let [pauseMs, pauseCpuMs] = [0, 0];
  let at = performance.now();
  let cpuAt = cpuMs();
  const begin = { at, cpuAt };
  const look = (): void => {
    const [now, cpuNow] = [performance.now(), cpuMs()];
    pauseMs = Math.max(pauseMs, now - at - TICK_MS);
    pauseCpuMs = Math.max(pauseCpuMs, cpuNow - cpuAt);
    [at, cpuAt] = [now, cpuNow];
  };
  const timer = setInterval(look, TICK_MS);
  try {
    const value = await work();
    look();
    const seconds = Math.round((at - begin.at) / 10) / 100;
    const cpuSeconds = Math.round((cpuAt - begin.cpuAt) / 10) / 100;
    return {
      value,
      seconds,
      cpuSeconds,
      longestPauseMs: Math.round(pauseMs),
      longestPauseCpuMs: Math.round(pauseCpuMs),
      peakRssBytes: process.resourceUsage().maxRSS * 1024,
    };
  } finally {
    clearInterval(timer);
  }
}

/** The measurements without the value. */
export const shownOf = ({
  seconds,
  cpuSeconds,
  longestPauseMs,
  longestPauseCpuMs,
  peakRssBytes,
}: Observed): Observed => ({ seconds, cpuSeconds, longestPauseMs, longestPauseCpuMs, peakRssBytes });

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
