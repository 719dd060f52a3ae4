/** What a stretch of work did to its process. */
export interface Observed {
  readonly seconds: number;
  /** Of all cores together: what it costs where others are at work on the machine as well. */
  readonly cpuSeconds: number;
  /** Longest time during which nothing else had its turn: no heartbeat, no cancellation. */
  readonly longestPauseMs: number;
  /** Longest such time in processor time of all cores together: what it would be at most where nobody else is at
   *  work. */
  readonly longestPauseCpuMs: number;
  /** Of the process since its start, not of this work alone. */
  readonly peakRssBytes: number;
}

const TICK_MS = 10;

/** Runs work and looks on. */
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

/** Without the value. */
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
