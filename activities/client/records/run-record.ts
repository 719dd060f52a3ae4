/** What a client remembers of a run, under the run's folder: how it was started, and what came of it. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  ErrorKind,
  isTenantName,
  RaptError,
  type AdapterCard,
  type AdapterRef,
  type OwnResult,
  type ReleasedAudit,
  type ReleasedMetrics,
  type RunContext,
  type TuningConfig,
} from '../../../contracts/index.ts';
import { runFile, runFolder, runsFolder } from '../../../rapt/home.ts';
import { readRunFile, writeWhole } from './run-file.ts';

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

/** An adapter that can be asked, and how texts for it are read and privatized. */
export interface TunedAdapter extends Pick<RunRecord, 'config' | 'adapter'> {
  /** Absent for an adapter that was imported. */
  readonly result?: RunRecord['result'];
  /** The owner's own copy of what lies beside the adapter; absent in records of earlier versions. */
  readonly card?: AdapterCard;
}

export async function writeRunRecord(home: string, tenant: string, run: string, record: RunRecord): Promise<void> {
  await writeWhole(join(runFolder(home, tenant, run), RECORD_FILE), JSON.stringify(record, null, 2));
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

/** By this a run can be resumed when Temporal has forgotten how it was started. */
export async function writeStartedRecord(home: string, { run, config }: RunContext): Promise<void> {
  await writeWhole(join(runFolder(home, config.tenant, run), STARTED_FILE), JSON.stringify({ config }, null, 2));
}

/** A run that this client has seen. */
export interface SeenRun {
  /** As it was written then; today's version reads it by `parseTuningConfig`. */
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
