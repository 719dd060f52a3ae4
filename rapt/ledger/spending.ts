/** What texts have spent: sums over the releases that count. */
import { counts, type Limit } from './budget.ts';
import { labelsIn, withTakenOver, type Labels, type LedgerRelease, type State } from './entries.ts';
import type { TextFiles } from './text-files.ts';
import { forEachCommon, type TextDigests } from './texts.ts';

/** Which releases a sum is over. */
export type Counted = (release: Pick<LedgerRelease, 'public'>) => boolean;
export const everyRelease: Counted = () => true;

/** Sums once for all limits that count the same releases. */
export function oncePerLimit(
  sum: (counted: Counted) => Promise<Float64Array>,
): (limit: Limit) => Promise<Float64Array> {
  const sums = new Map<boolean, Promise<Float64Array>>();
  return (limit) => {
    const known = sums.get(limit.countsPublic) ?? sum((release) => counts(limit, release));
    sums.set(limit.countsPublic, known);
    return known;
  };
}

export class Spending {
  readonly #state: State;
  readonly #files: TextFiles;

  constructor(state: State, files: TextFiles) {
    this.#state = state;
    this.#files = files;
  }

  /** On the texts themselves: sums of eta. */
  async onTexts(digests: BigUint64Array, counted: Counted): Promise<Float64Array> {
    const spent = new Float64Array(digests.length);
    for (const { release, digests: file } of this.#state.values()) {
      if (!counted(release)) continue;
      const cost = release.eta ?? Infinity;
      forEachCommon(digests, await this.#files.read(file), (place) => (spent[place]! += cost));
    }
    return spent;
  }

  /** On their labels: sums of label epsilons. */
  async onLabels(digests: BigUint64Array, counted: Counted): Promise<Float64Array> {
    const spent = new Float64Array(digests.length);
    for (const [localKey, cost] of labelCosts(this.#state, counted))
      forEachCommon(digests, await this.#read(localKey), (place) => (spent[place]! += cost));
    return spent;
  }

  /** How many of these texts had labels in an earlier release. */
  async labelledBefore(digests: BigUint64Array): Promise<number> {
    const seen = new Uint8Array(digests.length);
    for (const { release, digests: file } of this.#state.values())
      if (release.purpose === 'tuning' && labelsIn(release) !== 'none')
        forEachCommon(digests, await this.#files.read(file), (place) => (seen[place] = 1));
    return seen.reduce((sum, one) => sum + one, 0);
  }

  /** Sums of the figures about labels that were told of each of these texts. */
  async onFigures(digests: BigUint64Array): Promise<Float64Array> {
    const told = new Float64Array(digests.length);
    for (const { release } of this.#state.values()) {
      const sum = (release.told ?? []).reduce((total, figure) => total + figure.epsilon, 0);
      if (sum === 0) continue;
      const touched = new Uint8Array(digests.length);
      forEachCommon(digests, await this.allTexts(release), (place) => (touched[place] = 1));
      for (let place = 0; place < told.length; place++) told[place]! += sum * touched[place]!;
    }
    return told;
  }

  /** Sorted. Some of those from which it took over may not be in it any more. */
  async allTexts(release: LedgerRelease): Promise<TextDigests> {
    const lists: TextDigests[] = [];
    for (const localKey of withTakenOver(release, this.#state)) lists.push(await this.#read(localKey));
    const all = new BigUint64Array(lists.reduce((sum, { length }) => sum + length, 0));
    let end = 0;
    for (const list of lists) {
      all.set(list, end);
      end += list.length;
    }
    return all.sort();
  }

  readonly #read = (localKey: string): Promise<TextDigests> => this.#files.read(this.#state.get(localKey)!.digests);
}

/** Of one label, each time that its text occurs. */
export const labelCost = ({
  labels,
  labelEpsilon,
}: {
  readonly labels: Labels;
  readonly labelEpsilon: number | null;
}): number => (labels === 'none' ? 0 : labels === 'plain' ? Infinity : (labelEpsilon ?? Infinity));

/** What the labels of each release's texts have spent there, and by figures about releases that took these rows over;
 *  zeros are left out. */
function labelCosts(state: State, counted: Counted): Map<string, number> {
  const costs = new Map<string, number>();
  const add = (localKey: string, cost: number): void => {
    if (cost > 0) costs.set(localKey, (costs.get(localKey) ?? 0) + cost);
  };
  for (const { release } of state.values()) {
    if (!counted(release)) continue;
    add(release.localKey, labelCost({ labels: labelsIn(release), labelEpsilon: release.labelEpsilon }));
    const told = (release.told ?? []).reduce((sum, { epsilon }) => sum + epsilon, 0);
    if (told > 0) for (const localKey of withTakenOver(release, state)) add(localKey, told);
  }
  return costs;
}
