/** What a trained adapter answers for the test rows of a release. */
import type { AdapterCard, ReleaseManifest, TestMetrics } from '../../contracts/index.ts';
import { readFrameIds, type Encoder } from '../backbone/index.ts';
import { classifyExamples } from './classifier.ts';
import { loadExamples } from './from-release.ts';
import type { Parameters } from './parameters.ts';

export interface TestQuestion extends Pick<AdapterCard, 'method' | 'pooling'> {
  /** The frozen model, opened for this release by `openEncoder`; it stays open. */
  readonly encoder: Encoder;
  /** Folder that the frozen model was loaded from. */
  readonly backboneFolder: string;
  readonly releaseFolder: string;
  readonly manifest: ReleaseManifest;
  /** An adapter's, or with the reconstruction head, which is then measured too. */
  readonly parameters: Parameters;
  /** Called after each batch with the number of rows that are answered so far. */
  readonly onRows?: (done: number) => void;
}

/** One entry for each test row, in the order of the release. */
export interface TestAnswers {
  /** The rows' numbers in the user's table. */
  readonly rows: Int32Array;
  /** The predicted class of each row, as an index into the manifest's classes. */
  readonly predicted: Int32Array;
  /** The softmax probability of that class. */
  readonly probability: Float32Array;
  /** Share of the n held-out plain tokens that are reconstructed; null without plain tokens or without that head. */
  readonly reconstruction: TestMetrics['reconstruction'];
}

/** Reads the test rows into memory, 4 bytes a token, and classifies them. @throws RaptError corruptArtifact naming the
 *  damaged shard. */
export async function answerTestRows(question: TestQuestion): Promise<TestAnswers> {
  const { encoder, backboneFolder, releaseFolder, manifest, parameters, method, pooling, onRows } = question;
  const examples = await loadExamples(releaseFolder, manifest, 'test');
  const frame = readFrameIds(backboneFolder);
  const { predicted, probability, reconstruction } = classifyExamples(encoder, parameters, method, examples, frame, {
    pooling,
    ...(onRows && { onRows }),
  });
  return {
    rows: examples.rows,
    predicted,
    probability,
    reconstruction:
      reconstruction === null ? null : { accuracy: reconstruction.correct / reconstruction.n, n: reconstruction.n },
  };
}
