/** Releases that left this client before, from which a new one takes over the rows that it shares with them. */
import { ErrorKind, RaptError } from '../../contracts/index.ts';
import { Ledger, type LedgerRelease } from '../ledger/index.ts';
import { canTakeOver, hasOtherClasses, type EarlierRelease, type ReleaseSpec } from '../release/index.ts';
import { releaseFolder, tenantFolder } from '../home.ts';

export type KnownRelease = EarlierRelease & Pick<LedgerRelease, 'localKey'>;

/** Those whose rows are what these settings would draw, oldest first. One that has not left does not count: its cost
 *  may still be taken back. */
export async function releasesToTakeOver(home: string, tenant: string, spec: ReleaseSpec): Promise<KnownRelease[]> {
  const found: KnownRelease[] = [];
  for (const release of await leftReleases(home, tenant)) if (await canTakeOver(release, spec)) found.push(release);
  return found;
}

/** Why labels of texts that were released before are drawn again, as the end of a sentence; undefined where no more is
 *  known than that settings differ. */
export async function whyDrawnAgain(home: string, tenant: string, spec: ReleaseSpec): Promise<string | undefined> {
  if (spec.settings.labelEpsilon === null) return undefined;
  for (const release of await leftReleases(home, tenant))
    if (await hasOtherClasses(release, spec))
      return (
        `the classes are no longer those of release ${release.localKey}, and a drawn label is one of the classes ` +
        'that it was drawn among'
      );
  return undefined;
}

/** The earlier releases that an interrupted release had chosen. @throws RaptError corruptArtifact when the ledger does
 *  not have one of them. */
export async function knownReleases(
  home: string,
  tenant: string,
  localKeys: readonly string[],
): Promise<KnownRelease[]> {
  const left = new Map((await leftReleases(home, tenant)).map((release) => [release.localKey, release]));
  return localKeys.map((localKey) => {
    const release = left.get(localKey);
    // Without it, its rows would be drawn again, and nobody has paid for that.
    if (release === undefined)
      throw new RaptError(
        ErrorKind.corruptArtifact,
        `release ${localKey}, from which rows are taken over, is not in the ledger; restore the ledger from a backup`,
      );
    return release;
  });
}

async function leftReleases(home: string, tenant: string): Promise<KnownRelease[]> {
  const releases = await new Ledger(tenantFolder(home, tenant)).releases();
  return releases.flatMap(({ purpose, localKey, released }) =>
    purpose !== 'tuning' || released === null
      ? []
      : [{ localKey, folder: releaseFolder(home, tenant, localKey), digest: released.digest }],
  );
}
