/** Tells what object a key in the object store belongs to, by the structure of the key. A run's id comes from its user,
 *  so it may hold slashes and any of the words that keys are made of. */
import {
  ADAPTER_FILES,
  CHECKPOINT_FILES,
  IMPORT_MARK,
  STORED_REPORT_FILES,
  type CheckpointFile,
  type Sha256,
} from './artifacts.ts';

export type StoredKey =
  | { readonly kind: 'release' | 'adapter'; readonly tenant: string; readonly digest: Sha256; readonly file: string }
  | {
      readonly kind: 'checkpoint';
      readonly tenant: string;
      readonly run: string;
      readonly step: number;
      readonly attempt: string;
      readonly file: CheckpointFile;
    }
  | { readonly kind: 'predictions'; readonly tenant: string; readonly run: string; readonly digest: Sha256 }
  | { readonly kind: 'pointer' | 'manifest' | 'result'; readonly tenant: string; readonly run: string }
  | { readonly kind: 'report'; readonly tenant: string; readonly run: string; readonly file: string }
  | { readonly kind: 'client'; readonly tenant: string };

/** Each kind has last names of its own, and the run's id is what stands before them. So a key is of one kind and of one
 *  run, whatever the run is called. */
const RECORDS = { 'latest.json': 'pointer', 'manifest.json': 'manifest', 'result.json': 'result' } as const;
const OF_DIGEST = /^(releases|adapters)\/([^/]+)\/([0-9a-f]{64})\/([^/]+)$/;
const CLIENT = /^releases\/([^/]+)\/client\.json$/;
const RECORD = new RegExp(`^runs/([^/]+)/(.+)/(${anyOf(Object.keys(RECORDS))})$`, 's');
const CHECKPOINT = new RegExp(`^runs/([^/]+)/(.+)/checkpoints/(\\d{8,})-([^/]+)/(${anyOf(CHECKPOINT_FILES)})$`, 's');
const PREDICTIONS = /^runs\/([^/]+)\/(.+)\/predictions\/([0-9a-f]{64})\.json$/s;
const REPORT = new RegExp(`^reports/([^/]+)/(.+)/(${anyOf(STORED_REPORT_FILES)})$`, 's');

/** The inverse of `keys`. Null for a key that is not Rapt's, and for an adapter's file of another name. */
export function parseKey(key: string): StoredKey | null {
  return ofDigest(key) ?? checkpoint(key) ?? predictions(key) ?? record(key) ?? report(key) ?? client(key);
}

function ofDigest(key: string): StoredKey | null {
  const [, folder, tenant, digest, file] = OF_DIGEST.exec(key) ?? [];
  if (tenant === undefined || digest === undefined || file === undefined) return null;
  if (folder === 'releases') return { kind: 'release', tenant, digest: digest as Sha256, file };
  return [...ADAPTER_FILES, IMPORT_MARK].includes(file)
    ? { kind: 'adapter', tenant, digest: digest as Sha256, file }
    : null;
}

function checkpoint(key: string): StoredKey | null {
  const [, tenant, run, step, attempt, file] = CHECKPOINT.exec(key) ?? [];
  if (tenant === undefined || run === undefined || attempt === undefined) return null;
  return { kind: 'checkpoint', tenant, run, step: Number(step), attempt, file: file as CheckpointFile };
}

function predictions(key: string): StoredKey | null {
  const [, tenant, run, digest] = PREDICTIONS.exec(key) ?? [];
  return tenant === undefined || run === undefined
    ? null
    : { kind: 'predictions', tenant, run, digest: digest as Sha256 };
}

function record(key: string): StoredKey | null {
  const [, tenant, run, file] = RECORD.exec(key) ?? [];
  return tenant === undefined || run === undefined
    ? null
    : { kind: RECORDS[file as keyof typeof RECORDS], tenant, run };
}

function report(key: string): StoredKey | null {
  const [, tenant, run, file] = REPORT.exec(key) ?? [];
  return tenant === undefined || run === undefined || file === undefined ? null : { kind: 'report', tenant, run, file };
}

function client(key: string): StoredKey | null {
  const [, tenant] = CLIENT.exec(key) ?? [];
  return tenant === undefined ? null : { kind: 'client', tenant };
}

function anyOf(names: readonly string[]): string {
  return names.map((name) => name.replaceAll('.', '\\.')).join('|');
}
