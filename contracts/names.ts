/** Names that the provider can read by Temporal's own design: queues, workflow types, messages, search attributes.
 *  None of them may carry anything taken from a user's data. */

import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';

export const CONTROL_QUEUE = 'rapt';
export const GPU_QUEUE = 'rapt-gpu';
export const clientQueue = (tenant: string): string => `rapt-client-${tenant}`;

/** Worker deployment of the control workers, whose versions are those of the workflows' code. */
export const DEPLOYMENT_NAME = 'rapt';

export const WORKFLOW_TYPE = { tuning: 'raptTuning', predict: 'raptPredict' } as const;

/** Tells a webhook what becomes of a run; never started by hand. */
export const NOTIFY_WORKFLOW = 'raptNotify';
/** Id of the workflow that tells of this run. @param unique of eight hexadecimal digits. */
export const noticeId = (run: string, unique: string): string => `${run}-notify-${unique}`;
/** What `noticeId` makes, with the run's id in the first group. */
export const NOTICE_OF_RUN = /^(.+)-notify-[0-9a-f]{8}$/s;

export const PAUSE_UPDATE = 'pause';
export const CONTINUE_UPDATE = 'continue';
export const PROGRESS_QUERY = 'progress';
export const TRAINING_PROGRESS_SIGNAL = 'trainingProgress';
export const RELEASE_PROGRESS_SIGNAL = 'releaseProgress';
/** Sent by a client that has a webhook. */
export const NOTICES_WANTED_SIGNAL = 'noticesWanted';
export const NOTICE_SIGNAL = 'notice';
/** To the workflow that tells the webhook: its run goes on in a new history, which has one of its own. */
export const HANDED_OVER_SIGNAL = 'handedOver';

export const searchAttributes = {
  tenant: defineSearchAttributeKey('RaptTenant', SearchAttributeType.KEYWORD),
  stage: defineSearchAttributeKey('RaptStage', SearchAttributeType.KEYWORD),
  mechanism: defineSearchAttributeKey('RaptMechanism', SearchAttributeType.KEYWORD),
  eta: defineSearchAttributeKey('RaptEta', SearchAttributeType.DOUBLE),
  accuracy: defineSearchAttributeKey('RaptAccuracy', SearchAttributeType.DOUBLE),
  backbone: defineSearchAttributeKey('RaptBackbone', SearchAttributeType.KEYWORD),
};
