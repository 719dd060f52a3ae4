/** Checkpoints and pointers of the right form. */
import {
  CHECKPOINT_FILES,
  type ArtifactRef,
  type CheckpointFile,
  type CheckpointPointer,
  type Sha256,
  type StoredCheckpoint,
} from '../../contracts/index.ts';

export const sha = (digit: string): Sha256 => digit.repeat(64) as Sha256;

export function checkpoint(step: number, loss: number | null = 1, attempt = 'a'): StoredCheckpoint {
  const ref = (file: CheckpointFile): ArtifactRef => ({
    bucket: 'rapt-test',
    key: `${step}-${attempt}/${file}`,
    sha256: sha('a'),
    sizeBytes: 1,
  });
  return {
    step,
    trainingDigest: sha('b'),
    loss,
    files: Object.fromEntries(CHECKPOINT_FILES.map((file) => [file, ref(file)])) as Record<CheckpointFile, ArtifactRef>,
  };
}

export const pointerWith = (
  known: Pick<CheckpointPointer, 'newest'> & Partial<CheckpointPointer>,
): CheckpointPointer => ({
  format: 'rapt-pointer/2',
  release: sha('c'),
  trainingDigest: sha('b'),
  totalSteps: 100,
  attempt: 'a',
  fence: { scheduledMs: 1, attempt: 1 },
  earlier: [],
  best: null,
  ...known,
});
