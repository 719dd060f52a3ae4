import { tf, tidy, type Tensor, type Tensor1D, type Tensor2D, type Tensor3D } from '../tensorflow.ts';
import type { Encoder } from '../backbone/index.ts';
import type { FloatTensor, FloatTensors } from '../safetensors.ts';
import type { Batch } from './examples.ts';
import { classify, classifyBackward, reconstruct, reconstructBackward, softmaxCrossEntropy } from './heads.ts';
import type { TaskLoss } from './noisy-labels.ts';
import { PARAMETER, type ParameterName, type Parameters } from './parameters.ts';
import { poolStates, type Pooling } from './pooling.ts';
import { disposeVirtualTokens, fromGradients, toVirtualTokens, type VirtualTokenMethod } from './virtual-tokens.ts';

/** The loss of one batch, and how many of its answers were right. */
export interface JointLoss {
  /** L = L_task + weight * L_rec */
  readonly loss: number;
  /** Mean over the rows. */
  readonly taskLoss: number;
  /** Mean cross-entropy over the plain positions of all rows; 0 without reconstruction. */
  readonly reconstructionLoss: number;
  /** Rows whose class was right, of `rows`. */
  readonly correct: number;
  readonly rows: number;
  /** Plain tokens that were reconstructed, of `plainTokens`. */
  readonly reconstructed: number;
  readonly plainTokens: number;
}

/** The joint loss of one batch and its gradient with respect to every trained parameter (arXiv 2305.06212, eq. 10). The
 *  paper sums L_rec over the plain tokens of an example beside a mean task loss; here it is a mean, with its weight
 *  explicit, so the paper's form is weight = number of plain tokens. */
export async function jointLoss(
  encoder: Encoder,
  parameters: Parameters,
  batch: Batch,
  method: VirtualTokenMethod,
  reconstructionWeight: number,
  { taskLossOf = softmaxCrossEntropy, pooling = 'mean' }: { taskLossOf?: TaskLoss; pooling?: Pooling } = {},
): Promise<{ loss: JointLoss; gradients: FloatTensors }> {
  const virtual = toVirtualTokens(method, parameters[PARAMETER.virtualTokens]!, encoder.config);
  const pass = encoder.forward(batch, virtual);
  disposeVirtualTokens(virtual);
  const withReconstruction = batch.plainTargets !== null && parameters[PARAMETER.reconstructionW1] !== undefined;
  const gradients: Partial<Record<ParameterName, Tensor>> = {};

  const { loss, dHidden } = scoped((own) => {
    const promptLength = virtual.prompt?.shape[0] ?? 0;
    const { pooled, backward } = poolStates(pooling, encoder, batch, pass.hidden, own);
    const head = {
      weight: own(device2d(parameters[PARAMETER.headWeight]!)),
      bias: own(device1d(parameters[PARAMETER.headBias]!)),
    };
    const task = taskLossOf(own(classify(pooled, head)), batch.labels!);
    const dHead = classifyBackward(own(task.dLogits), pooled, head);
    gradients[PARAMETER.headWeight] = dHead.dWeight;
    gradients[PARAMETER.headBias] = dHead.dBias;
    const dTask = backward(own(dHead.dx)); //  [batch, prompt + seq, hidden]
    const taskLoss = task.lossSum / batch.batch;
    const base = { taskLoss, correct: task.correct, rows: batch.batch };
    if (!withReconstruction)
      return {
        loss: { ...base, loss: taskLoss, reconstructionLoss: 0, reconstructed: 0, plainTokens: 0 },
        dHidden: dTask,
      };

    const g = own(plainStates(pass.hidden, promptLength, batch.plainLength)); //  [batch * m, hidden]
    const rec = {
      w1: own(device2d(parameters[PARAMETER.reconstructionW1]!)),
      w2: own(device2d(parameters[PARAMETER.reconstructionW2]!)),
    };
    const { code, logits } = reconstruct(g, rec);
    const plain = softmaxCrossEntropy(own(logits), batch.plainTargets);
    const dLogits = own(tf.mul<Tensor2D>(own(plain.dLogits), reconstructionWeight));
    const dRec = reconstructBackward(dLogits, own(code), g, rec);
    gradients[PARAMETER.reconstructionW1] = dRec.dW1;
    gradients[PARAMETER.reconstructionW2] = dRec.dW2;
    const dPlain = own(spread(own(dRec.dg), pass.hidden.shape, promptLength, batch.plainLength));
    const plainTokens = batch.plainTargets.length;
    const reconstructionLoss = plain.lossSum / plainTokens;
    return {
      loss: {
        ...base,
        loss: taskLoss + reconstructionWeight * reconstructionLoss,
        reconstructionLoss,
        reconstructed: plain.correct,
        plainTokens,
      },
      dHidden: tf.add<Tensor3D>(own(dTask), dPlain),
    };
  });

  pass.hidden.dispose();
  const dVirtual = pass.backward(dHidden);
  dHidden.dispose();
  const downloaded: Record<string, FloatTensor> = {
    [PARAMETER.virtualTokens]: await fromGradients(dVirtual, parameters[PARAMETER.virtualTokens]!.shape),
  };
  for (const [name, tensor] of Object.entries(gradients)) {
    downloaded[name] = { shape: tensor.shape, values: (await tensor.data()) as Float32Array };
    tensor.dispose();
  }
  return { loss, gradients: downloaded };
}

/** Runs a function and frees the tensors that it marked as its own. tf.tidy would also walk through the arrays that
 *  were read back. */
export function scoped<T>(body: (own: <X extends Tensor>(tensor: X) => X) => T): T {
  const owned: Tensor[] = [];
  try {
    return body((tensor) => {
      owned.push(tensor);
      return tensor;
    });
  } finally {
    owned.forEach((tensor) => tensor.dispose());
  }
}

/** States at the plain positions, which follow [CLS]: [batch, prompt + seq, hidden] -> [batch * m, hidden] */
export function plainStates(hidden: Tensor3D, promptLength: number, plainLength: number): Tensor2D {
  const [batch, , size] = hidden.shape;
  return tidy(() =>
    tf.reshape(tf.slice(hidden, [0, promptLength + 1, 0], [batch, plainLength, size]), [batch * plainLength, size]),
  );
}

/** The reverse of plainStates: zeros elsewhere. */
function spread(
  dg: Tensor2D,
  [batch, seq, size]: [number, number, number],
  promptLength: number,
  plainLength: number,
): Tensor3D {
  const before = promptLength + 1;
  return tidy(() =>
    tf.pad<Tensor3D>(tf.reshape(dg, [batch, plainLength, size]), [
      [0, 0],
      [before, seq - before - plainLength],
      [0, 0],
    ]),
  );
}

export const device2d = ({ shape, values }: FloatTensor): Tensor2D => tf.tensor2d(values, shape as [number, number]);
export const device1d = ({ values }: FloatTensor): Tensor1D => tf.tensor1d(values);
