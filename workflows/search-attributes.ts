/** The search attributes of a run. The provider can read them. */
import { upsertSearchAttributes } from '@temporalio/workflow';
import { DEFAULT_BACKBONE, DEFAULT_ETA, searchAttributes } from '../contracts/index.ts';
import type { Stage, TuningConfig } from '../contracts/index.ts';

/** Sets what the configuration tells. Only the default backbone can be named here: see `showBackbone`. */
export function describeRun({ tenant, privacy, backbone }: TuningConfig): void {
  const eta =
    privacy.mechanism === 'none' || privacy.targetUnchanged !== undefined
      ? null
      : (privacy.eta ?? DEFAULT_ETA[privacy.mechanism]);
  upsertSearchAttributes([
    { key: searchAttributes.tenant, value: tenant },
    { key: searchAttributes.mechanism, value: privacy.mechanism },
    { key: searchAttributes.eta, value: eta },
    { key: searchAttributes.backbone, value: backbone === DEFAULT_BACKBONE ? backbone : null },
    { key: searchAttributes.stage, value: 'validate' },
  ]);
}

/** Names the backbone as the client found it. "dir/model" may be a public name or a path on the client's machine, which
 *  must not be shown, and only the client can tell. @param backbone a public name, or `folder`. */
export function showBackbone(backbone: string): void {
  if (backbone !== DEFAULT_BACKBONE) upsertSearchAttributes([{ key: searchAttributes.backbone, value: backbone }]);
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
