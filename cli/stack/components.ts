/** This machine's servers and workers as a table. */
import { stackStatus } from '../../infra/index.ts';
import { table } from '../terminal/output.ts';

export function componentTable(): string {
  const rows = stackStatus().map(({ component, running, pid, address, log }) => [
    component,
    running ? `running, process ${pid}` : 'not running',
    address ?? '',
    log,
  ]);
  return table([['part', 'state', 'address', 'log'], ...rows]);
}
