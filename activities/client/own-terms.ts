/** The terms under which a run's adapter may be asked: those of the owner's own record. The card that lies beside the
 *  adapter in the store was written by the provider, so it is held against them field by field. */
import {
  BadInput,
  canonicalJson,
  DEFAULT_ETA,
  ErrorKind,
  RaptError,
  type AdapterCard,
  type AdapterRef,
  type Guarantee,
  type RunContext,
} from '../../contracts/index.ts';
import type { PublicBackbone } from '../../rapt/backbone/index.ts';
import { releaseFolder, tenantFolder } from '../../rapt/home.ts';
import { Ledger, type LedgerRelease } from '../../rapt/ledger/index.ts';
import { openRelease } from '../../rapt/release/index.ts';
import { adapterCard } from '../../rapt/tuning/index.ts';
import type { ClientDependencies } from './dependencies.ts';
import type { TunedAdapter } from './records/run-record.ts';
import { readStoredCard } from './stored-results.ts';

export interface OwnTerms {
  readonly mechanism: Guarantee['mechanism'];
  /** Null when the texts leave as they are. */
  readonly eta: number | null;
}

/** By which mechanism and eta the run's texts left: by the ledger where the run has a release, else by its
 *  configuration.
 *  @throws BadInput when neither tells the eta. */
export async function ownTerms(home: string, tenant: string, record: TunedAdapter): Promise<OwnTerms> {
  const {
    config: {
      privacy: { mechanism, eta, targetUnchanged },
    },
    card,
  } = record;
  if (mechanism === 'none') return { mechanism, eta: null };
  const entry = await ledgerEntry(home, tenant, record);
  if (entry?.mechanism === mechanism) return { mechanism, eta: entry.eta };
  if (card !== undefined) return { mechanism, eta: card.guarantee.eta };
  if (targetUnchanged === undefined) return { mechanism, eta: eta ?? DEFAULT_ETA[mechanism] };
  throw new BadInput([
    {
      where: 'run',
      problem: "has no release in this client's ledger, which tells its eta; restore the ledger from a backup",
    },
  ]);
}

/** The classes of the run's release, of which another list would have equal texts drawn anew; null where the release is
 *  not here any more. */
export async function ownClasses(
  home: string,
  tenant: string,
  record: TunedAdapter,
): Promise<readonly string[] | null> {
  if (record.card !== undefined) return record.card.classes;
  const entry = await ledgerEntry(home, tenant, record);
  const found = entry === undefined ? null : await openRelease(releaseFolder(home, tenant, entry.localKey));
  return found?.manifest.classes ?? null;
}

async function ledgerEntry(home: string, tenant: string, { result }: TunedAdapter): Promise<LedgerRelease | undefined> {
  if (result === undefined) return undefined;
  return (await new Ledger(tenantFolder(home, tenant)).releases()).find(
    ({ released }) => released?.digest === result.release.sha256,
  );
}

/** Each field as it is told, and as it is known here. */
type Compared = Readonly<Record<string, readonly [told: unknown, own: unknown]>>;

const differingFields = (compared: Compared): string[] =>
  Object.entries(compared).flatMap(([field, [told, own]]) =>
    canonicalJson(told) === canonicalJson(own) ? [] : [field],
  );

export interface OwnRecord extends OwnTerms {
  readonly record: TunedAdapter;
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

/** The card that lies beside a run's adapter, once it is known to be the one that this run's release and settings make.
 *  @throws RaptError corruptArtifact when it is another. */
export async function ownCard(
  { store, home }: ClientDependencies,
  { config: { tenant, tuning } }: RunContext,
  localKey: string,
  adapter: AdapterRef,
): Promise<AdapterCard> {
  const found = await openRelease(releaseFolder(home, tenant, localKey));
  if (found === null) throw new RaptError(ErrorKind.notFound, 'the release is not on this client any more');
  const card = await readStoredCard(store, adapter);
  const { manifest, digest } = found;
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
  if (differing.length === 0) return card;
  throw new RaptError(
    ErrorKind.corruptArtifact,
    `the card of the run's adapter is not the one that its release and settings make (${differing.join(', ')}); ` +
      'the adapter is not taken. Have the provider look at the GPU workers, and tune again',
  );
}
