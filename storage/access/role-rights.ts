/** What each kind of process may do in the bucket: as little as its activities need. */
import { z } from 'zod';
import { BadInput, IMPORT_MARK, isTenantName } from '../../contracts/index.ts';

/** On whose behalf the store is used. */
export type Role =
  /** Where a tenant's texts lie: `rapt worker client`, and the command there for all that is the tenant's alone. */
  | { readonly kind: 'client'; readonly tenant: string }
  /** `rapt worker gpu`, for all tenants. */
  | { readonly kind: 'gpu' }
  /** `rapt gc`, for all tenants. */
  | { readonly kind: 'operator' };

/** "client acme", "gpu" or "operator". @throws BadInput for a tenant whose name could stand for others. */
export function roleName(role: Role): string {
  checkTenant(role);
  return role.kind === 'client' ? `client ${role.tenant}` : role.kind;
}

function checkTenant(role: Role): void {
  if (role.kind === 'client' && !isTenantName(role.tenant))
    throw new BadInput([
      {
        where: 'tenant',
        problem: `"${role.tenant}" is no name of a tenant: use 1 to 40 lower-case letters, digits and hyphens`,
      },
    ]);
}

/** The role of this name; null when there is none. */
export function parseRole(name: string): Role | null {
  if (name === 'gpu' || name === 'operator') return { kind: name };
  const [, tenant] = /^client (.+)$/.exec(name) ?? [];
  return tenant !== undefined && isTenantName(tenant) ? { kind: 'client', tenant } : null;
}

export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<
    Partial<Record<'StringLike' | 'StringEquals', Readonly<Record<string, readonly string[]>>>>
  >;
}

/** A policy in the language of S3, in which "*" stands for any text, also for slashes. */
export interface Policy {
  readonly Version: '2012-10-17';
  readonly Statement: readonly Statement[];
}

const READ = ['s3:GetObject'];
/** Writing, also in parts, and taking back an upload that was not completed. */
const WRITE = ['s3:PutObject', 's3:AbortMultipartUpload'];
const REMOVE = ['s3:DeleteObject'];
/** S3 cannot limit the first of these to a prefix, so only processes that work for all tenants have them. */
const FIND_UPLOADS = ['s3:ListBucketMultipartUploads', 's3:ListMultipartUploadParts'];
/** The files of a run that its client writes. */
const RECORDS = ['manifest.json', 'result.json'];

/** The role's policy for one bucket; STS takes up to 2,048 characters. @throws BadInput as `roleName`. */
export function policyOf(role: Role, bucket: string): Policy {
  checkTenant(role);
  const rules = rulesFor(bucket);
  return {
    Version: '2012-10-17',
    Statement:
      role.kind === 'client' ? ofClient(rules, role.tenant) : role.kind === 'gpu' ? ofGpu(rules) : ofOperator(rules),
  };
}

/** A client may list nothing. It knows all its keys, and a rule by prefix would prevent mistakes but no attack: MinIO
 *  believes a header "Prefix" before the prefix that is asked for. */
function ofClient({ allow }: Rules, tenant: string): Statement[] {
  const own = ['releases', 'runs', 'adapters', 'reports'].map((folder) => `${folder}/${tenant}/*`);
  // Among them are adapters that the client imports. Whoever reads one compares it with the digest that names it.
  const written = ['releases', 'adapters', 'reports'].map((folder) => `${folder}/${tenant}/*`);
  return [allow(READ, own), allow(WRITE, [...written, ...RECORDS.map((file) => `runs/${tenant}/*/${file}`)])];
}

function ofGpu({ allow, deny, list, findUploads }: Rules): Statement[] {
  const checkpoints = 'runs/*/checkpoints/*';
  const written = [checkpoints, 'runs/*/latest.json', 'runs/*/predictions/*', 'adapters/*'];
  // A run may be called "checkpoints/x", and its records would then lie among what may be written. A GPU worker also
  // must not mark its adapters as imported, which would keep them for ever.
  const ofClients = [...RECORDS.map((file) => `runs/*/${file}`), `adapters/*/${IMPORT_MARK}`];
  const records = deny([...WRITE, ...REMOVE], ofClients);
  const work = [allow(READ, ['releases/*']), allow([...READ, ...WRITE], written), allow(REMOVE, [checkpoints])];
  return [...work, list([checkpoints]), findUploads, records];
}

function ofOperator({ allow, list, findUploads }: Rules): Statement[] {
  return [allow([...READ, ...WRITE, ...REMOVE], ['*']), list(['*']), findUploads];
}

/** The policy of the user in whose name keys are lent (lender.ts): it may do all that any role may, except write a body
 *  that is not signed. */
export function lenderPolicy(bucket: string): Policy {
  const rules = rulesFor(bucket);
  const unsigned = { StringEquals: { 's3:x-amz-content-sha256': [UNSIGNED_BODY] } };
  return {
    Version: '2012-10-17',
    Statement: [...ofOperator(rules), { ...rules.deny(WRITE, ['*']), Condition: unsigned }],
  };
}

/** Whether a policy, in the form in which a store shows it, is that of a lender to this bucket: it speaks of nothing
 *  else, and holds the refusal that no other policy has. */
export function isLenderPolicy(policy: unknown, bucket: string): boolean {
  const parsed = storedPolicySchema.safeParse(policy);
  if (!parsed.success) return false;
  const arn = `arn:aws:s3:::${bucket}`;
  const { Statement: statements } = parsed.data;
  if (statements.some(({ Resource }) => Resource.some((name) => name !== arn && name !== `${arn}/*`))) return false;
  const refused = statements.filter(({ Effect }) => Effect === 'Deny').map(({ Condition }) => Condition ?? null);
  return JSON.stringify(refused).includes(UNSIGNED_BODY);
}

const storedStatementSchema = z.object({
  Effect: z.string(),
  Resource: z.array(z.string()).min(1),
  Condition: z.unknown().optional(),
});
const storedPolicySchema = z.object({ Statement: z.array(storedStatementSchema).min(1) });
/** How a request announces a body that is not signed. */
const UNSIGNED_BODY = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';

type Rules = ReturnType<typeof rulesFor>;

/** Statements on one bucket; patterns are of keys. */
function rulesFor(bucket: string) {
  const arn = `arn:aws:s3:::${bucket}`;
  const say = (Effect: Statement['Effect'], Action: readonly string[], patterns: readonly string[]): Statement => ({
    Effect,
    Action,
    Resource: patterns.map((pattern) => `${arn}/${pattern}`),
  });
  return {
    allow: (actions: readonly string[], patterns: readonly string[]): Statement => say('Allow', actions, patterns),
    deny: (actions: readonly string[], patterns: readonly string[]): Statement => say('Deny', actions, patterns),
    list: (prefixes: readonly string[]): Statement => ({
      Effect: 'Allow',
      Action: ['s3:ListBucket'],
      Resource: [arn],
      Condition: { StringLike: { 's3:prefix': prefixes } },
    }),
    findUploads: { Effect: 'Allow', Action: FIND_UPLOADS, Resource: [arn, `${arn}/*`] } satisfies Statement,
  };
}
