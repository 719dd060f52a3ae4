// @ts-check
/** From which on a server has worker deployments as Rapt uses them: https://docs.temporal.io/worker-versioning names
 *  it. */
export const OLDEST_TEMPORAL = /** @type {const} */ ([1, 29, 1]);
