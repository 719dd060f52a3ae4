/** What a client remembers of a run, under the run's folder: how it was started, and what came of it. */
import { createHmac } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  canonicalJson,
  ErrorKind,
  isTenantName,
  RaptError,
  type AdapterCard,
  type AdapterRef,
  type OtherRun,
  type OwnResult,
  type PlainBaseline,
  type ReleasedAudit,
  type ReleasedMetrics,
  type RunContext,
  type Sha256,
  type TuningConfig,
} from '../../contracts/index.ts';
import { runFile, runFolder, runsFolder, tenantFolder } from '../../rapt/home.ts';
import { clientSecret } from '../../rapt/ledger/index.ts';

const RECORD_FILE = 'run.json';
const IMPORT_FILE = 'import.json';
const STARTED_FILE = 'started.json';

/** Figures of a run that are told. */
export interface ToldFigures {
  readonly metrics: ReleasedMetrics;
  readonly audit: ReleasedAudit | null;
  readonly unchangedRate: number | null;
}

export interface RunRecord {
  readonly config: TuningConfig;
  readonly adapter: AdapterRef;
  /** With the owner's exact figures. */
  readonly result: OwnResult;
  /** What was told of them; absent in records of earlier versions. */
  readonly told?: ToldFigures;
  /** The owner's own copy of what lies beside the adapter; absent in records of earlier versions. */
  readonly card?: AdapterCard;
}

/** An adapter that can be asked, and how the texts are read and privatized that it is asked about. */
export interface TunedAdapter extends Pick<RunRecord, 'config' | 'adapter'> {
  /** Absent for an adapter that was imported. */
  readonly result?: RunRecord['result'];
  /** The owner's own copy of what lies beside the adapter; absent in records of earlier versions. */
  readonly card?: AdapterCard;
}

export async function writeRunRecord(home: string, tenant: string, run: string, record: RunRecord): Promise<void> {
  await writeWhole(join(runFolder(home, tenant, run), RECORD_FILE), JSON.stringify(record, null, 2));
}

/** A reader sees the old file or the new one. What a killed attempt left is overwritten by the next one. */
export async function writeWhole(path: string, content: string): Promise<void> {
  const temporary = `${path}.part`;
  await writeFile(temporary, content, { mode: 0o600 });
  await rename(temporary, path);
}

/** What stands in a JSON file of a run; null when there is none. */
export function readRunFile(home: string, tenant: string, run: string, name: string): unknown {
  const path = runFile(home, tenant, run, name);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as unknown) : null;
}

/** @throws RaptError notFound when this client knows no such run. */
export function readRunRecord(home: string, tenant: string, run: string): RunRecord {
  const path = runFile(home, tenant, run, RECORD_FILE);
  if (!existsSync(path))
    throw new RaptError(
      ErrorKind.notFound,
      `run ${run} has not finished on this client (tenant ${tenant}); \`rapt list\` shows those that there are, ` +
        `\`rapt watch ${run}\` follows one that goes on`,
    );
  return JSON.parse(readFileSync(path, 'utf8')) as RunRecord;
}

/** Kept so that a run can be gone on with when Temporal has forgotten how it was started. */
export async function writeStartedRecord(home: string, { run, config }: RunContext): Promise<void> {
  await writeWhole(join(runFolder(home, config.tenant, run), STARTED_FILE), JSON.stringify({ config }, null, 2));
}

/** A run that this client has seen. */
export interface SeenRun {
  /** As it was written then: a version of today reads it by `parseTuningConfig`. */
  readonly config: unknown;
  /** Null when it has not finished. */
  readonly result: OwnResult | null;
  readonly recordedAt: Date;
}

/** Null when this client has seen no such run, or has seen it under an earlier version and it has not finished. */
export function readSeenRun(home: string, tenant: string, run: string): SeenRun | null {
  for (const file of [RECORD_FILE, STARTED_FILE]) {
    const path = runFile(home, tenant, run, file);
    if (!existsSync(path)) continue;
    const { config, result = null } = JSON.parse(readFileSync(path, 'utf8')) as { config: unknown; result?: OwnResult };
    return { config, result, recordedAt: statSync(path).mtime };
  }
  return null;
}

/** Tenants of this machine that have a run, or an imported adapter, of this name. */
export function tenantsWithRun(home: string, run: string): string[] {
  if (!existsSync(home)) return [];
  const tenants = readdirSync(home).filter(isTenantName);
  return tenants
    .filter((tenant) =>
      [RECORD_FILE, IMPORT_FILE, STARTED_FILE].some((file) => existsSync(runFile(home, tenant, run, file))),
    )
    .sort();
}

export const hasRunRecord = (home: string, tenant: string, run: string): boolean =>
  existsSync(runFile(home, tenant, run, RECORD_FILE));

export const hasImport = (home: string, tenant: string, run: string): boolean =>
  existsSync(runFile(home, tenant, run, IMPORT_FILE));

export async function writeImportRecord(
  home: string,
  tenant: string,
  run: string,
  imported: TunedAdapter,
): Promise<void> {
  await writeWhole(join(runFolder(home, tenant, run), IMPORT_FILE), JSON.stringify(imported, null, 2));
}

/** The adapter of a finished run, or one that was imported under this name; null when there is none. */
export function findTunedAdapter(home: string, tenant: string, run: string): TunedAdapter | null {
  if (hasRunRecord(home, tenant, run)) return readRunRecord(home, tenant, run);
  return readRunFile(home, tenant, run, IMPORT_FILE) as TunedAdapter | null;
}

/** @throws RaptError notFound when this client knows no such adapter. */
export const readTunedAdapter = (home: string, tenant: string, run: string): TunedAdapter =>
  findTunedAdapter(home, tenant, run) ?? readRunRecord(home, tenant, run);

/** All finished runs that this client remembers, the newest first. */
export function* runRecords(home: string, tenant: string): Generator<RunRecord> {
  const folder = runsFolder(home, tenant);
  if (!existsSync(folder)) return;
  const newestFirst = readdirSync(folder)
    .map((name) => join(folder, name, RECORD_FILE))
    .filter((path) => existsSync(path))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const path of newestFirst) yield JSON.parse(readFileSync(path, 'utf8')) as RunRecord;
}

/** The newest run on plain text with the same data, backbone and tuning; null when there was none. */
export function findPlainBaseline(home: string, config: TuningConfig): PlainBaseline | null {
  const wanted = comparable(config);
  for (const { config: other, result } of runRecords(home, config.tenant))
    if (other.privacy.mechanism === 'none' && comparable(other) === wanted)
      return { run: result.workflowId, accuracy: result.metrics.test.accuracy };
  return null;
}

/** Reconstruction is a help against noise, so a plain run may go without it. */
function comparable({ data, backbone, tuning }: TuningConfig): string {
  const { reconstruction: _, checkpointEverySteps: __, keepCheckpoints: ___, ...trained } = tuning;
  return canonicalJson({ data, backbone, trained });
}

/** Keyed, since a configuration names files, which a plain digest would let anybody guess. */
export async function configurationDigest(home: string, config: TuningConfig): Promise<Sha256> {
  return createHmac('sha256', await clientSecret(tenantFolder(home, config.tenant)))
    .update(canonicalJson(config))
    .digest('hex') as Sha256;
}

/** More would only make the drawing unreadable. */
const MOST_OTHERS = 20;

/** Finished runs whose texts were privatized on the same public table, the newest first. */
export function otherRuns(home: string, run: string, config: TuningConfig, table: string): OtherRun[] {
  const others: OtherRun[] = [];
  const data = canonicalJson(config.data);
  for (const { config: other, result } of runRecords(home, config.tenant)) {
    const {
      workflowId,
      metrics: { test },
      privacy: { mechanism, eta, unchangedRate, guarantee },
      audit,
    } = result;
    if (workflowId === run || guarantee.table.sha256 !== table) continue;
    const bayes = audit.attacks?.find(({ attack }) => attack === 'bayes')?.success ?? null;
    others.push({
      run: workflowId,
      mechanism,
      eta,
      unchangedRate,
      bayes,
      accuracy: test.accuracy,
      n: test.n,
      sameData: canonicalJson(other.data) === data,
    });
    if (others.length === MOST_OTHERS) break;
  }
  return others;
}
