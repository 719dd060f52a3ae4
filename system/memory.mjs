// @ts-check
import { totalmem } from 'node:os';

/** Bytes of memory that a process can have here: those of the machine, or what its container allows.
 *  @returns {number} */
export function machineMemory() {
  const total = totalmem();
  const allowed = process.constrainedMemory();
  // Without a limit this is 0, or more than any machine has, depending on the platform.
  return allowed > 0 && allowed < total ? allowed : total;
}
