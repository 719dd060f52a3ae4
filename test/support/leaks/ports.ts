import { randomInt } from 'node:crypto';
import { freePort } from '../../../infra/stack/ports.ts';

/** A port that nobody takes while a server is killed and started again: none of every other stack's, and none of those
 *  that the kernel gives to connections, among them the ones that try to reach the server. */
export const steadyPort = (): Promise<number> => freePort(randomInt(20_000, 32_000));
