import type { TuningOptions } from '../../contracts/index.ts';
import type { FloatTensors } from '../safetensors.ts';
import { PARAMETER } from './parameters.ts';

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** First and second moments of each parameter, named "<parameter>.m" and "<parameter>.v". */
export type Moments = Record<string, { readonly shape: readonly number[]; readonly values: Float32Array }>;

export function initialMoments(parameters: FloatTensors): Moments {
  return Object.fromEntries(
    Object.entries(parameters).flatMap(([name, { shape, values }]) => [
      [`${name}.m`, { shape, values: new Float32Array(values.length) }],
      [`${name}.v`, { shape, values: new Float32Array(values.length) }],
    ]),
  );
}

/** Euclidean norm of all gradients together. */
export function globalNorm(gradients: FloatTensors): number {
  let sum = 0;
  for (const { values } of Object.values(gradients))
    for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
}

/** One step of AdamW (Loshchilov and Hutter 2019, algorithm 2), in place, on gradients clipped to a global norm
 *  (Pascanu et al. 2013). Biases are not decayed.
 *  @param norm globalNorm of the gradients.
 *  @param step counted from 0.
 *  @param factor on the learning rates, from the schedule. */
export function adamWStep(
  parameters: FloatTensors,
  gradients: FloatTensors,
  norm: number,
  moments: Moments,
  step: number,
  factor: number,
  { learningRate, headLearningRate, weightDecay, clipNorm }: TuningOptions,
): void {
  const clip = norm > clipNorm ? clipNorm / norm : 1;
  const correction1 = 1 - BETA1 ** (step + 1);
  const correction2 = 1 - BETA2 ** (step + 1);
  for (const [name, { values: gradient }] of Object.entries(gradients)) {
    const weights = parameters[name]!.values;
    const m = moments[`${name}.m`]!.values;
    const v = moments[`${name}.v`]!.values;
    const rate = factor * (name === PARAMETER.virtualTokens ? learningRate : headLearningRate);
    const decay = name.endsWith('.bias') ? 1 : 1 - rate * weightDecay;
    for (let i = 0; i < weights.length; i++) {
      const g = gradient[i]! * clip;
      m[i] = BETA1 * m[i]! + (1 - BETA1) * g;
      v[i] = BETA2 * v[i]! + (1 - BETA2) * g * g;
      weights[i] = weights[i]! * decay - (rate * (m[i]! / correction1)) / (Math.sqrt(v[i]! / correction2) + EPSILON);
    }
  }
}
