/** Options that several commands have. */
import { Option } from 'commander';
import { DEFAULT_ETA } from '../../contracts/index.ts';

/** For jobs that others may change: what they start is held against the owner's policy, wherever they run. */
export const byPolicyOption = (): Option =>
  new Option(
    '--by-policy',
    "let the client's policy decide alone; otherwise a command on the client's machine is the owner's own word",
  );

/** Temporal itself knows the tenants of the other runs. */
export const forgottenTenantOption = (): Option =>
  new Option('--tenant <name>', 'tenant of a run that Temporal has forgotten; default: as this client knows it');

/** The values of an option that may be repeated. */
export const collect = (value: string, before: readonly string[]): string[] => [...before, value];

/** The tables that a command reads, for its help. */
export const TABLE_FORMATS =
  '.csv, .tsv, .jsonl, each also .gz, .parquet, .arrow or .feather; or a data set folder; also at an s3:// address';

/** The eta of a command that has none, for its help. */
export const DEFAULT_ETAS = `default: ${DEFAULT_ETA.exponential} for exponential, ${DEFAULT_ETA.laplace} for laplace`;
