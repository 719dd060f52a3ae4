/** Options that several commands have. */
import { Option } from 'commander';

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
