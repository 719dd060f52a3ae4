// @ts-check
import { totalmem } from 'node:os';

/** Bytes of memory that a process of this machine can have: all of it, or what its container allows.
 *  @returns {number} */
export function machineMemory() {
  const total = totalmem();
  const allowed = process.constrainedMemory();
  // Without a limit it is 0 or beyond all machines, by platform.
  return allowed > 0 && allowed < total ? allowed : total;
}
