/** Which run and tenant each request to the client names. */
import type { ClientActivities } from '../../../contracts/index.ts';
import { assertOwnRequest as assertOwn, type RequestOwner } from '../../request-origin.ts';

/** What each activity is asked for. */
export type Requests = { readonly [name in keyof ClientActivities]: Parameters<ClientActivities[name]>[0] };

const OWNER: { readonly [name in keyof Requests]: (request: Requests[name]) => RequestOwner } = {
  inspect: ofRun,
  privatize: ofRun,
  publish: ofRun,
  audit: ofRun,
  score: ofRun,
  report: ofRun,
  register: ofRun,
  notify: ({ run }) => ({ run, isNotice: true }),
  preparePrediction: ({ prediction, tenant }) => ({ run: prediction, tenant }),
  finishPrediction: ({ prepared: { prediction, tenant } }) => ({ run: prediction, tenant }),
};

function ofRun({ run, config: { tenant } }: Requests['inspect']): RequestOwner {
  return { run, tenant };
}

export const ownerOf = <N extends keyof Requests>(name: N, request: Requests[N]): RequestOwner => OWNER[name](request);

/** Called with every request before anything is done for it. @throws RaptError badInput unless the workflow that sends
 *  it is the one it names, and this worker's queue that of its tenant. */
export function assertOwnRequest<N extends keyof Requests>(name: N, request: Requests[N]): void {
  assertOwn(ownerOf(name, request), 'client');
}
