import type { DataConverter } from '@temporalio/common';

/** How values become payloads. Workers, clients and the workflow bundle must all use the same. */
export function dataConverter(): DataConverter {
  return {};
}
