/** Names of queues, workflow types, messages and search attributes. Temporal's design lets the provider read them, so
 *  none of them may hold anything of a user's data. */
import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';

export const CONTROL_QUEUE = 'rapt';
export const GPU_QUEUE = 'rapt-gpu';
export const clientQueue = (tenant: string): string => `rapt-client-${tenant}`;

/** The worker deployment of the control workers. Its versions are those of the workflows' code. */
export const DEPLOYMENT_NAME = 'rapt';

export const WORKFLOW_TYPE = { tuning: 'raptTuning', predict: 'raptPredict' } as const;

/** This workflow tells a webhook what becomes of a run. Nobody starts it by hand. */
export const NOTIFY_WORKFLOW = 'raptNotify';
/** The id of the workflow that tells of this run. @param unique eight hexadecimal digits. */
export const noticeId = (run: string, unique: string): string => `${run}-notify-${unique}`;
/** Matches what `noticeId` makes. The first group is the run's id. */
export const NOTICE_OF_RUN = /^(.+)-notify-[0-9a-f]{8}$/s;

export const PAUSE_UPDATE = 'pause';
export const CONTINUE_UPDATE = 'continue';
export const PROGRESS_QUERY = 'progress';
export const TRAINING_PROGRESS_SIGNAL = 'trainingProgress';
export const RELEASE_PROGRESS_SIGNAL = 'releaseProgress';
/** Sent by a client that has a webhook. */
export const NOTICES_WANTED_SIGNAL = 'noticesWanted';
export const NOTICE_SIGNAL = 'notice';
/** Says to the workflow that tells the webhook: its run goes on in a new history, with another workflow that tells of
 *  it. */
export const HANDED_OVER_SIGNAL = 'handedOver';

export const searchAttributes = {
  tenant: defineSearchAttributeKey('RaptTenant', SearchAttributeType.KEYWORD),
  stage: defineSearchAttributeKey('RaptStage', SearchAttributeType.KEYWORD),
  mechanism: defineSearchAttributeKey('RaptMechanism', SearchAttributeType.KEYWORD),
  eta: defineSearchAttributeKey('RaptEta', SearchAttributeType.DOUBLE),
  accuracy: defineSearchAttributeKey('RaptAccuracy', SearchAttributeType.DOUBLE),
  backbone: defineSearchAttributeKey('RaptBackbone', SearchAttributeType.KEYWORD),
};
