/** What can be searched for: facts that the provider may read. */
import { upsertSearchAttributes } from '@temporalio/workflow';
import { DEFAULT_ETA, searchAttributes } from '../contracts/index.ts';
import type { Stage, TuningConfig } from '../contracts/index.ts';

/** A hub name or the plain name of a model. Anything else is a path, which says something about the data owner's machine. */
const MODEL_NAME = /^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/;

export function describeRun({ tenant, privacy, backbone }: TuningConfig): void {
  const eta = privacy.mechanism === 'none' || privacy.targetUnchanged !== undefined ? null : (privacy.eta ?? DEFAULT_ETA[privacy.mechanism]);
  upsertSearchAttributes([
    { key: searchAttributes.tenant, value: tenant },
    { key: searchAttributes.mechanism, value: privacy.mechanism },
    { key: searchAttributes.eta, value: eta },
    { key: searchAttributes.backbone, value: MODEL_NAME.test(backbone) ? backbone : 'folder' },
    { key: searchAttributes.stage, value: 'validate' },
  ]);
}

export function showStage(stage: Stage | 'paused'): void {
  upsertSearchAttributes([{ key: searchAttributes.stage, value: stage }]);
}

export function showCalibratedEta(eta: number): void {
  upsertSearchAttributes([{ key: searchAttributes.eta, value: eta }]);
}

export function showAccuracy(accuracy: number): void {
  upsertSearchAttributes([{ key: searchAttributes.accuracy, value: accuracy }]);
}
