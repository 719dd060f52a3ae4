// @ts-check
/** The oldest Temporal server that has worker deployments as Rapt uses them, by
 *  https://docs.temporal.io/worker-versioning. */
export const OLDEST_TEMPORAL = /** @type {const} */ ([1, 29, 1]);
