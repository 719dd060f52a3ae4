/** What a run's attacks got exactly: for the owner, and so that a run is attacked once. */
import { auditSchema, canonicalJson, type AuditResult, type RunContext } from '../../../contracts/index.ts';
import { runFile, runFolder } from '../../../rapt/home.ts';
import { readWritten, sha256Of, writeOnce } from '../../../system/index.ts';

export async function writeAudited(
  home: string,
  context: RunContext,
  localKey: string,
  found: AuditResult,
): Promise<void> {
  const folder = runFolder(home, context.config.tenant, context.run);
  await writeOnce(folder, auditedFile(home, context, localKey), Buffer.from(JSON.stringify(found, null, 2)));
}

/** Null when the run was not attacked on this release, or by an earlier version. */
export async function readAudited(home: string, context: RunContext, localKey: string): Promise<AuditResult | null> {
  const bytes = await readWritten(auditedFile(home, context, localKey));
  return bytes === null ? null : auditSchema.parse(JSON.parse(bytes.toString('utf8')));
}

/** Its name tells what was attacked, and how. */
function auditedFile(home: string, { run, config: { tenant, audit, data } }: RunContext, localKey: string): string {
  const asked = sha256Of(canonicalJson({ localKey, audit, attributeColumns: data.attributeColumns }));
  return runFile(home, tenant, run, `audited-${asked.slice(0, 16)}.json`);
}
