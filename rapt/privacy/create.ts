/** Makes a mechanism: chooses its eta, the sampler that draws, and says what it guarantees. */
import { DEFAULT_ETA, ErrorKind, RaptError } from '../../contracts/index.ts';
import type { Guarantee } from '../../contracts/index.ts';
import { atOnce, inTurns, type Work } from '../turns.ts';
import { calibrating, Calibrator } from './calibration.ts';
import { ExponentialSampler } from './exponential.ts';
import { isLarge, type EmbeddingTable, type OutputGeometry } from './geometry.ts';
import { describeGuarantee } from './guarantee.ts';
import { LargeExponentialSampler } from './large-exponential.ts';
import { LaplaceSampler } from './laplace.ts';
import type { Mechanism, Sampler } from './mechanism.ts';
import { systemRandom, type RandomSource } from './random-source.ts';

/** So many tokens are taken at once when nothing is done to them. */
const PASSED_TOKENS = 2 ** 14;

/** Which mechanism, over which table, at which eta. */
export interface MechanismOptions {
  readonly name: Guarantee['mechanism'];
  /** Exclusive with `targetUnchanged`. Default: the mechanism's usual one. */
  readonly eta?: number | undefined;
  /** Eta is calibrated so that this share of output tokens stays itself. */
  readonly targetUnchanged?: number | undefined;
  readonly table: EmbeddingTable;
  /** The public output vocabulary, from `outputVocabulary`. */
  readonly outputIds: Int32Array;
  /** Default: the operating system's randomness. With any other `guarantee.private` is false. */
  readonly random?: RandomSource | undefined;
  /** Bound on the memory of the exponential mechanism's tables. */
  readonly cacheBytes?: number | undefined;
}

type EtaOptions = Omit<MechanismOptions, 'random' | 'cacheBytes'>;

/** The eta that a mechanism will have, without making the mechanism; null for `none`. It is the same on every call.
 *  @throws the signal's reason when aborted. */
export function chooseEta(options: EtaOptions, signal?: AbortSignal): Promise<number | null> {
  return inTurns(choosingEta(options), signal);
}

function* choosingEta({ name, eta, targetUnchanged, table, outputIds }: EtaOptions): Work<number | null> {
  if (name === 'none') return null;
  if (targetUnchanged === undefined) return eta ?? DEFAULT_ETA[name];
  return (yield* calibrating({ name, table, outputIds, targetUnchanged })).eta;
}

/** A mechanism over a public table.
 *  @throws RaptError badInput for an eta that is not positive, or a target that is out of reach. */
export function createMechanism(options: MechanismOptions): Mechanism {
  return atOnce(creating(options));
}

/** As `createMechanism`, with turns for others: on a large table it takes seconds. @throws the signal's reason when
 *  aborted. */
export function createMechanismInTurns(options: MechanismOptions, signal?: AbortSignal): Promise<Mechanism> {
  return inTurns(creating(options), signal);
}

function* creating(options: MechanismOptions): Work<Mechanism> {
  const { name, table, outputIds, random = systemRandom, cacheBytes } = options;
  const eta = yield* choosingEta(options);
  if (eta !== null && !(eta > 0 && Number.isFinite(eta)))
    throw new RaptError(ErrorKind.badInput, `privacy.eta: must be a positive number, not ${eta}`);
  const calibrator = yield* Calibrator.open(table, outputIds);
  try {
    const { geometry } = calibrator;
    const Exponential = isLarge(outputIds.length) ? LargeExponentialSampler : ExponentialSampler;
    const sampler: Sampler | null =
      eta === null
        ? null
        : name === 'laplace'
          ? new LaplaceSampler(eta, geometry, random)
          : new Exponential(eta, geometry, random, cacheBytes);
    const expectedUnchanged = eta === null || name === 'none' ? null : yield* calibrator.unchangedRate(name, eta);
    const guarantee = describeGuarantee({
      mechanism: name,
      eta,
      isPrivate: random.private,
      precision: sampler,
      geometry,
      measures: calibrator.measures(),
      expectedUnchanged,
    });
    calibrator.disposeSample();
    return mechanismOf(name, eta, geometry, sampler, guarantee);
  } catch (error) {
    calibrator.dispose();
    throw error;
  }
}

function mechanismOf(
  name: Guarantee['mechanism'],
  eta: number | null,
  geometry: OutputGeometry,
  sampler: Sampler | null,
  guarantee: Guarantee,
): Mechanism {
  const { rows } = geometry.table;
  const privatizing = function* (ids: Int32Array): Work<Int32Array> {
    for (const id of ids) if (id < 0 || id >= rows) throw new RangeError('a token id lies outside the embedding table');
    return sampler === null ? ids.slice() : yield* sampler.privatizing(ids);
  };
  return {
    name,
    eta,
    privatize: (ids) => atOnce(privatizing(ids)),
    privatizeInTurns: (ids, signal) => inTurns(privatizing(ids), signal),
    keepTables: async (folder, signal) => {
      if (sampler?.keepingTables !== undefined) await inTurns(sampler.keepingTables(folder), signal);
    },
    batchTokens: sampler?.batchTokens ?? PASSED_TOKENS,
    lossBound: (distance) => (eta === null ? Infinity : eta * distance + (sampler?.numericalSlack ?? 0)),
    guarantee,
    dispose: () => {
      sampler?.close?.();
      geometry.dispose();
    },
  };
}
