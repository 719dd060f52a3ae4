import { createHmac } from 'node:crypto';
import { canonicalJson, type Sha256, type TuningConfig } from '../../../contracts/index.ts';
import { tenantFolder } from '../../../rapt/home.ts';
import { clientSecret } from '../../../rapt/ledger/index.ts';

/** Keyed, since a configuration names files, which a plain digest would let anybody guess. */
export async function configurationDigest(home: string, config: TuningConfig): Promise<Sha256> {
  return createHmac('sha256', await clientSecret(tenantFolder(home, config.tenant)))
    .update(canonicalJson(config))
    .digest('hex') as Sha256;
}
