/** What a worker shows of itself: how much it logs, and where its metrics are. */
import type { LogLevel } from '@temporalio/worker';
import { BadInput } from '../contracts/index.ts';
import { setting } from '../system/index.ts';

const LOG_LEVELS: readonly LogLevel[] = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR'];

/** Address of the page with the metrics; null when there is to be no such page. @throws BadInput. */
export function metricsAddress(env: NodeJS.ProcessEnv = process.env): string | null {
  const address = setting('RAPT_METRICS_ADDRESS', env);
  if (address === undefined) return null;
  const [, port] = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]):(\d{1,5})$/.exec(address) ?? [];
  if (port === undefined || Number(port) > 65_535)
    throw new BadInput([
      {
        where: 'RAPT_METRICS_ADDRESS',
        problem: `must be an address and a port, such as 127.0.0.1:9464 or 0.0.0.0:9464, not "${address}"`,
      },
    ]);
  return address;
}

/** How much a worker logs. @throws BadInput. */
export function logLevel(env: NodeJS.ProcessEnv = process.env): LogLevel {
  const text = setting('RAPT_LOG_LEVEL', env) ?? 'INFO';
  const level = LOG_LEVELS.find((known) => known === text.toUpperCase());
  if (level === undefined)
    throw new BadInput([
      { where: 'RAPT_LOG_LEVEL', problem: `must be one of ${LOG_LEVELS.join(', ')}, not "${text}"` },
    ]);
  return level;
}
