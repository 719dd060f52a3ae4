/** The multivariate Laplace mechanism of RAPT (arXiv 2305.06212, section 3), after Feyisetan et al. (WSDM 2020) and Wu
 *  et al. (2017).
 *
 *  The answer is the output token nearest to phi(x) + z, where z has density proportional to exp(-eta ||z||_2). In
 *  polar coordinates that density is a length with density proportional to l^(d-1) e^(-eta l), which is Gamma(shape d,
 *  scale 1/eta), times a direction uniform on the unit sphere.
 *
 *  Guarantee. The densities of phi(x) + z and phi(x') + z at a point q differ by the factor exp(eta (||q - phi(x')|| -
 *  ||q - phi(x)||)), at most exp(eta ||phi(x) - phi(x')||) by the triangle inequality; the nearest token is a function
 *  of that point alone, and computing it costs nothing (post-processing).
 *
 *  This holds for the ideal density. `laplaceDelta` says what double precision costs. */
import { atOnce, type Work } from '../turns.ts';
import type { OutputGeometry } from './geometry.ts';
import { laplaceDelta } from './laplace-precision.ts';
import type { Sampler } from './mechanism.ts';
import type { RandomSource } from './random-source.ts';
import { fillDirection, gamma } from './number-samplers.ts';

/** The nearest neighbours of so many tokens are looked up together. */
const BATCH_TOKENS = 256;

export class LaplaceSampler implements Sampler {
  readonly numericalSlack = 0;
  readonly batchTokens = 2 ** 13;
  readonly numericalDelta: number;
  readonly #eta: number;
  readonly #geometry: OutputGeometry;
  readonly #random: RandomSource;

  constructor(eta: number, geometry: OutputGeometry, random: RandomSource) {
    this.#eta = eta;
    this.#geometry = geometry;
    this.#random = random;
    const { table, outputIds, mostNorm, mostInputNorm } = geometry;
    this.numericalDelta = laplaceDelta({
      eta,
      dimensions: table.dimensions,
      outputs: outputIds.length,
      inputNorm: mostInputNorm,
      outputNorm: mostNorm,
    });
  }

  privatize(ids: Int32Array): Int32Array {
    return atOnce(this.privatizing(ids));
  }

  *privatizing(ids: Int32Array): Work<Int32Array> {
    const { dimensions } = this.#geometry.table;
    const noisy = new Int32Array(ids.length);
    const direction = new Float64Array(dimensions);
    const queries = new Float64Array(Math.min(BATCH_TOKENS, ids.length) * dimensions);
    try {
      for (let at = 0; at < ids.length; at += BATCH_TOKENS) {
        const batch = ids.subarray(at, at + BATCH_TOKENS);
        const points = queries.subarray(0, batch.length * dimensions);
        for (const [row, id] of batch.entries()) {
          this.#perturb(id, direction, points.subarray(row * dimensions, (row + 1) * dimensions));
          yield;
        }
        const nearest = yield* this.#geometry.nearest(points);
        nearest.forEach((position, row) => (noisy[at + row] = this.#geometry.outputIds[position]!));
      }
    } finally {
      // The noisy points must not outlive the lookup.
      queries.fill(0);
      direction.fill(0);
    }
    return noisy;
  }

  #perturb(id: number, direction: Float64Array, out: Float64Array): void {
    const { values, dimensions } = this.#geometry.table;
    const length = gamma(this.#random, dimensions, 1 / this.#eta);
    fillDirection(this.#random, direction);
    for (let i = 0; i < dimensions; i++) out[i] = values[id * dimensions + i]! + length * direction[i]!;
  }
}
