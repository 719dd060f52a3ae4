/** Requests as the client needs them. What only the owner may know of a run was sealed where the run was started, and
 *  passed on by workflows that cannot read it (codec/seals.ts). Values that are not sealed pass as they are: a run may
 *  have been started where no owner key is. */
import { ErrorKind, isSealed, mapStrings, RaptError, type Seals } from '../../../contracts/index.ts';

export interface OpeningContext {
  /** Null when this worker holds no owner key. */
  readonly seals: Seals | null;
  /** Workflow id of the run or prediction that asks, as Temporal names it. */
  readonly run: string;
}

/** The same request with plain values only. @throws RaptError accessDenied for a seal of another tenant, or of a key
 *  that is not here; corruptArtifact for one that was changed, or copied from another field or another run. */
export function openRequest<T>(request: T, { seals, run }: OpeningContext): T {
  return mapStrings(request, (text, field) => {
    if (!isSealed(text)) return text;
    if (seals === null)
      throw new RaptError(
        ErrorKind.accessDenied,
        `${field} is sealed with an owner key, and this client worker has none; name its file in ` +
          'RAPT_OWNER_KEYS_FILE and start it again',
      );
    return seals.open(text, { field, run });
  });
}
