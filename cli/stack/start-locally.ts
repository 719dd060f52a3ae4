/** Starting this machine's own servers and workers for a run. */
import { BadInput, type TuningConfig } from '../../contracts/index.ts';
import { up } from '../../infra/index.ts';
import { namedTemporal } from '../../settings/index.ts';
import { dim, say } from '../terminal/output.ts';

const OTHER_SERVERS =
  'starts servers on this machine, and the environment names others (RAPT_TEMPORAL_ADDRESS); leave one of the two out';

/** @throws BadInput when the environment names other servers. */
export function startLocally({ tenant }: TuningConfig): ReturnType<typeof up> {
  if (namedTemporal() !== null) throw new BadInput([{ where: '--up', problem: OTHER_SERVERS }]);
  return up({ tenant, say: (line) => say(dim(line)) });
}
