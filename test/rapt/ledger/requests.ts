/** Requests to a ledger, of texts that are at hand. */
import type { Budget } from '../../../contracts/index.ts';
import {
  limitsOf,
  ownersBudget,
  policysBudget,
  runsBudget,
  TextCollector,
  type Limits,
  type ReservationRequest,
} from '../../../rapt/ledger/index.ts';

export const SECRET = Buffer.alloc(32, 7);

export interface RequestOptions {
  readonly eta?: number | null;
  /** Under which labels are drawn; null lets them leave as they are. Undefined says nothing of labels, as earlier
   *  versions did. */
  readonly labels?: number | null | 'none';
  readonly budget?: Budget;
  readonly owner?: Budget;
  readonly policy?: Budget;
  readonly more?: Partial<ReservationRequest>;
}

export const limits = ({ owner = {}, budget = {}, policy = {} }: RequestOptions): Limits =>
  limitsOf(ownersBudget(owner), runsBudget(budget), policysBudget(policy));

export function requestOf(
  localKey: string,
  texts: readonly string[],
  options: RequestOptions = {},
): ReservationRequest {
  const { eta = 14, labels, more } = options;
  const collect = (): ReturnType<ReservationRequest['texts']> => {
    const collector = new TextCollector(SECRET);
    for (const text of texts) collector.add(text);
    return Promise.resolve({ digests: collector.finish() });
  };
  return {
    localKey,
    tenant: 't',
    run: `run of ${localKey}`,
    purpose: 'tuning',
    mechanism: eta === null ? 'none' : 'exponential',
    eta,
    table: 'f'.repeat(64),
    labelEpsilon: typeof labels === 'number' ? labels : null,
    ...(labels !== undefined && { labels: labels === null ? 'plain' : labels === 'none' ? 'none' : 'drawn' }),
    limits: limits(options),
    texts: collect,
    ...more,
  };
}
