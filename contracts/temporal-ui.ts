/** Temporal's UI, in which people look a run up. */
export interface TemporalUi {
  /** Null when nobody said where it is. */
  readonly uiUrl: string | null;
  readonly namespace: string;
}

/** The page of a workflow; null when nobody said where the UI is.
 *  @param execution one run of the workflow; without it, the page shows the newest. */
export function workflowPage({ uiUrl, namespace }: TemporalUi, workflowId: string, execution?: string): string | null {
  if (uiUrl === null) return null;
  const named = execution === undefined ? [workflowId] : [workflowId, execution];
  const place = ['namespaces', namespace, 'workflows', ...named].map(encodeURIComponent).join('/');
  return `${uiUrl.replace(/\/+$/, '')}/${place}`;
}
