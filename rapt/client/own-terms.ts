/** The terms under which a run's adapter may be asked: those of the owner's own record. */
import {
  BadInput,
  DEFAULT_ETA,
  type AdapterCard,
  type Guarantee,
  type OwnResult,
  type TuningConfig,
} from '../../contracts/index.ts';
import { releaseFolder, tenantFolder } from '../home.ts';
import { Ledger, type LedgerRelease } from '../ledger/index.ts';
import { openRelease } from '../release/index.ts';

/** What the owner's own record says of an adapter that is asked. */
export interface AskedAdapter {
  readonly config: TuningConfig;
  /** Of its run; absent for an adapter that was imported. */
  readonly result?: Pick<OwnResult, 'release'>;
  /** The owner's own copy of what lies beside the adapter; absent in records of earlier versions. */
  readonly card?: AdapterCard;
}

export interface OwnTerms {
  readonly mechanism: Guarantee['mechanism'];
  /** Null when the texts leave as they are. */
  readonly eta: number | null;
}

/** By which mechanism and eta the run's texts left: by the ledger where the run has a release, else by its
 *  configuration.
 *  @throws BadInput when neither tells the eta. */
export async function ownTerms(home: string, tenant: string, record: AskedAdapter): Promise<OwnTerms> {
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
  record: AskedAdapter,
): Promise<readonly string[] | null> {
  if (record.card !== undefined) return record.card.classes;
  const entry = await ledgerEntry(home, tenant, record);
  const found = entry === undefined ? null : await openRelease(releaseFolder(home, tenant, entry.localKey));
  return found?.manifest.classes ?? null;
}

async function ledgerEntry(home: string, tenant: string, { result }: AskedAdapter): Promise<LedgerRelease | undefined> {
  if (result === undefined) return undefined;
  return (await new Ledger(tenantFolder(home, tenant)).releases()).find(
    ({ released }) => released?.digest === result.release.sha256,
  );
}
