/** Figures of a proposal in words. */
import type { Proposal } from './proposal.ts';

/** At least 0.1: less is lost in what the process takes by itself. */
export const gibibytes = (bytes: number): string => `${Math.max(0.1, bytes / 2 ** 30).toFixed(1)} GiB`;

export const minutes = (value: number): string =>
  value < 1 ? 'a minute' : value < 90 ? `${Math.ceil(value)} minutes` : `${(value / 60).toFixed(1)} hours`;

export const rateInWords = ({ measuredIn, tokensPerSecond }: Proposal['cost']['rate']): string =>
  measuredIn === null
    ? 'on 2 cores without a GPU'
    : `as fast as run ${measuredIn} was here (${Math.round(tokensPerSecond)} tokens/s)`;

/** Share of the rows that have the most frequent class. */
export const majority = (classes: Proposal['classes']): number =>
  Math.max(...classes.map(({ rows }) => rows)) / classes.reduce((sum, { rows }) => sum + rows, 0);
