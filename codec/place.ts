/** Where a payload belongs, in the form that is authenticated with it, as JSON: ["workflow", namespace, id], or
 *  ["activity", namespace, id of its workflow, its own id]. */
import type { SerializationContext } from '@temporalio/common';
import { scheduleOf } from '../contracts/index.ts';

/** The place of which a context speaks; null where the SDK says too little. */
export function placeOf(context: SerializationContext | undefined): string | null {
  if (context?.workflowId === undefined) return null;
  const { type, namespace, workflowId } = context;
  return JSON.stringify([
    type,
    namespace,
    workflowId,
    ...(type === 'activity' && context.activityId !== undefined ? [context.activityId] : []),
  ]);
}

/** Whether what was encrypted for a place may stand here. The runs of a schedule get payloads of the schedule and of
 *  each other: their input was encrypted when only the schedule had a name, and each run gets the result of the one
 *  before. */
export function isAt(place: string, context: SerializationContext): boolean {
  const here = placeOf(context);
  if (here === null || here === place) return true;
  if (context.type !== 'workflow') return false;
  const [type, namespace, workflowId] = JSON.parse(place) as readonly string[];
  const schedule = scheduleOf(context.workflowId);
  return (
    type === 'workflow' &&
    namespace === context.namespace &&
    schedule !== context.workflowId &&
    workflowId !== undefined &&
    scheduleOf(workflowId) === schedule
  );
}
