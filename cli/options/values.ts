/** Values of options, checked before anything is started. */
import { BadInput, isTenantName } from '../../contracts/index.ts';

export const MECHANISMS = ['exponential', 'laplace'] as const;
export type NoisyMechanism = (typeof MECHANISMS)[number];

/** @returns undefined when the option is not given. @throws BadInput unless it is a positive number. */
export function numberOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0)
    throw new BadInput([{ where: option, problem: `must be a positive number, not "${text}"` }]);
  return value;
}

/** @throws BadInput unless it is a whole number from 1. */
export function wholeNumberOf(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new BadInput([{ where: option, problem: `must be a whole number from 1, not "${text}"` }]);
  return value;
}

/** @throws BadInput unless it lies strictly between 0 and 1. */
export function rateOf(option: string, text: string | undefined): number | undefined {
  const value = numberOf(option, text);
  if (value !== undefined && value >= 1)
    throw new BadInput([{ where: option, problem: 'must lie strictly between 0 and 1' }]);
  return value;
}

/** @throws BadInput unless it can name a tenant. */
export function tenantNameOf(option: string, name: string): string {
  if (!isTenantName(name))
    throw new BadInput([
      { where: option, problem: 'must be 1 to 40 lower-case letters, digits and hyphens, such as acme-health' },
    ]);
  return name;
}

export function mechanismOf(name: string): NoisyMechanism {
  const found = MECHANISMS.find((candidate) => candidate === name);
  if (found === undefined)
    throw new BadInput([{ where: '--mechanism', problem: `must be ${MECHANISMS.join(' or ')}, not "${name}"` }]);
  return found;
}

/** Milliseconds of "90s", "20m" or "2h". @throws BadInput for anything else. */
export function durationOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, number, unit] = /^(\d+(?:\.\d+)?)(s|m|h)$/.exec(text) ?? [];
  if (number === undefined || unit === undefined)
    throw new BadInput([{ where: option, problem: `must be a time such as 90s, 20m or 2h, not "${text}"` }]);
  return Number(number) * { s: 1000, m: 60_000, h: 3_600_000 }[unit as 's' | 'm' | 'h'];
}
