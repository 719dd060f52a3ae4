import { DEFAULT_ETA, ErrorKind, RaptError } from '../../contracts/index.ts';
import type { Guarantee } from '../../contracts/index.ts';
import { calibrate, unchangedRate } from './calibration.ts';
import { ExponentialSampler } from './exponential.ts';
import { OutputGeometry, type EmbeddingTable } from './geometry.ts';
import { describeGuarantee } from './guarantee.ts';
import { LaplaceSampler } from './laplace.ts';
import type { Mechanism, Sampler } from './mechanism.ts';
import { systemRandom, type RandomSource } from './random.ts';
import { TokenSample } from './survey.ts';

/** Which mechanism, over which table, at which eta. */
export interface MechanismOptions {
  readonly name: Guarantee['mechanism'];
  /** Exclusive with `targetUnchanged`. Default: the mechanism's usual one. */
  readonly eta?: number | undefined;
  /** Calibrate eta so that this share of output tokens stays itself. */
  readonly targetUnchanged?: number | undefined;
  readonly table: EmbeddingTable;
  /** The public output vocabulary, from `outputVocabulary`. */
  readonly outputIds: Int32Array;
  /** Default: the operating system's. Any other makes `guarantee.private` false. */
  readonly random?: RandomSource | undefined;
  /** Bound on the memory of the exponential mechanism's tables. */
  readonly cacheBytes?: number | undefined;
}

/** The eta that a mechanism will have, without making it; null for `none`. The same on every call. */
export function chooseEta({ name, eta, targetUnchanged, table, outputIds }: Omit<MechanismOptions, 'random' | 'cacheBytes'>): number | null {
  if (name === 'none') return null;
  if (targetUnchanged === undefined) return eta ?? DEFAULT_ETA[name];
  return calibrate({ name, table, outputIds, targetUnchanged }).eta;
}

/** A mechanism over a public table. @throws RaptError badInput for an eta that is not positive or a target out of reach. */
export function createMechanism(options: MechanismOptions): Mechanism {
  const { name, table, outputIds, random = systemRandom, cacheBytes } = options;
  const eta = chooseEta(options);
  if (eta !== null && !(eta > 0 && Number.isFinite(eta))) throw new RaptError(ErrorKind.badInput, `privacy.eta: must be a positive number, not ${eta}`);
  const geometry = new OutputGeometry(table, outputIds);
  const sampler: Sampler | null =
    eta === null ? null : name === 'laplace' ? new LaplaceSampler(eta, geometry, random) : new ExponentialSampler(eta, geometry, random, cacheBytes);
  const sample = new TokenSample(geometry);
  const survey = sample.survey();
  const expectedUnchanged = eta === null || name === 'none' ? null : unchangedRate(sample, name, eta);
  sample.dispose();
  return {
    name,
    eta,
    privatize(ids) {
      for (const id of ids) if (id < 0 || id >= table.rows) throw new RangeError('a token id lies outside the embedding table');
      return sampler === null ? ids.slice() : sampler.privatize(ids);
    },
    lossBound: (distance) => (eta === null ? Infinity : eta * distance + (sampler?.numericalSlack ?? 0)),
    guarantee: describeGuarantee({ mechanism: name, eta, isPrivate: random.private, precision: sampler, geometry, survey, expectedUnchanged }),
    dispose: () => geometry.dispose(),
  };
}
