/** Metrics and log lines of releases. */
import { log } from '@temporalio/activity';
import type { DueRelease } from '../../rapt/client/index.ts';
import type { DrawnRelease } from '../../rapt/release/index.ts';
import { metrics } from '../../telemetry/index.ts';

type Counted = Pick<DueRelease, 'tenant' | 'purpose' | 'mechanism'>;

const labels = ({ tenant, purpose, mechanism }: Counted): Record<string, string> => ({ tenant, purpose, mechanism });

export function countDrawn(release: Counted, tokens: number): void {
  metrics.tokensPrivatized.add(tokens, labels(release));
}

export function countRelease(release: Counted, { manifest, reused }: Pick<DrawnRelease, 'manifest' | 'reused'>): void {
  metrics.releases.add(1, { ...labels(release), outcome: reused ? 'found' : 'drawn' });
  log.info(reused ? 'release found' : 'release drawn', {
    rows: manifest.rows.train + manifest.rows.test,
    tokens: manifest.tokens,
  });
}
