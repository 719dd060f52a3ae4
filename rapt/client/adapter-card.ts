/** The card that lies beside an adapter in the store was written by the provider, so it is held against what the owner
 *  knows, field by field. */
import {
  BadInput,
  canonicalJson,
  ErrorKind,
  RaptError,
  type AdapterCard,
  type TuningConfig,
} from '../../contracts/index.ts';
import type { PublicBackbone } from '../backbone/index.ts';
import type { DrawnRelease } from '../release/index.ts';
import { adapterCard } from '../tuning/index.ts';
import type { AskedAdapter, OwnTerms } from './own-terms.ts';

/** Each field as it is told, and as it is known here. */
type Compared = Readonly<Record<string, readonly [told: unknown, own: unknown]>>;

const differingFields = (compared: Compared): string[] =>
  Object.entries(compared).flatMap(([field, [told, own]]) =>
    canonicalJson(told) === canonicalJson(own) ? [] : [field],
  );

export interface OwnRecord extends OwnTerms {
  readonly record: AskedAdapter;
  readonly classes: readonly string[] | null;
  readonly backbone: PublicBackbone;
}

/** @throws BadInput naming every field in which the card differs from what the owner's run was. Values are not
 *  repeated: the reader may be the one who changed them. */
export function refuseChangedCard(run: string, card: AdapterCard, own: OwnRecord): void {
  const {
    mechanism,
    eta,
    record: {
      config: { data, tuning, privacy },
      result,
      card: kept,
    },
    classes,
    backbone: { table, outputIds, description },
  } = own;
  const { reconstruction } = tuning;
  const isTuned = result !== undefined;
  // An adapter that was trained elsewhere has no plain tokens.
  const plain =
    !isTuned || reconstruction === false
      ? false
      : {
          tokensPerRow: reconstruction.plainTokens,
          vocabulary: Array.from(outputIds.slice(0, reconstruction.vocabularySize)),
        };
  const expected: Compared = {
    'guarantee.mechanism': [card.guarantee.mechanism, mechanism],
    'guarantee.eta': [card.guarantee.eta, eta],
    'guarantee.private': [card.guarantee.private, mechanism !== 'none'],
    'guarantee.labelEpsilon': [card.guarantee.labelEpsilon ?? null, privacy.labelEpsilon ?? null],
    'guarantee.table': [card.guarantee.table.sha256, table.sha256],
    'backbone.sha256': [card.backbone.sha256, description.sha256],
    maxTokens: [card.maxTokens, data.maxTokens],
    pair: [card.pair, data.pairColumn !== undefined],
    plain: [card.plain, plain],
    ...(classes !== null && { classes: [card.classes, classes] }),
    // Those of an imported adapter are told by its own files, which the owner gave.
    ...(isTuned && {
      method: [card.method, tuning.method],
      length: [card.length, tuning.length],
      pooling: [card.pooling, tuning.pooling],
      input: [card.input ?? 'released', tuning.input],
    }),
    ...(kept !== undefined && { card: [card, kept] }),
  };
  const differing = differingFields(expected);
  if (differing.length === 0) return;
  throw new BadInput([
    {
      where: 'run',
      problem:
        `${run}: the adapter's card in the store differs from this client's own record of the run in ` +
        `${differing.join(', ')}, so somebody changed it; nothing was drawn. Have the provider restore the adapter, ` +
        'or tune again',
    },
  ]);
}

/** @throws RaptError corruptArtifact unless the card is the one that this release and these settings make. */
export function assertCardOfRelease(
  card: AdapterCard,
  { manifest, digest }: Pick<DrawnRelease, 'manifest' | 'digest'>,
  tuning: TuningConfig['tuning'],
): void {
  // What the other side calls the model is its own; the weights are not.
  const right = adapterCard({
    manifest,
    release: digest,
    backbone: { ...card.backbone, sha256: manifest.backbone.sha256 },
    tuning,
  });
  const fields = Object.keys({ ...card, ...right }) as (keyof AdapterCard)[];
  const differing = differingFields(
    Object.fromEntries(fields.map((field) => [field, [card[field] ?? null, right[field] ?? null]])),
  );
  if (differing.length === 0) return;
  throw new RaptError(
    ErrorKind.corruptArtifact,
    `the card of the run's adapter is not the one that its release and settings make (${differing.join(', ')}); ` +
      'the adapter is not taken. Have the provider look at the GPU workers, and tune again',
  );
}
