import type { CompletedCommand } from './tree.ts';

/** In single quotes, as all three shells read them. */
export const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** The flags of all commands that take a value: a value is not taken for a command. */
export function valuedFlags(commands: readonly CompletedCommand[]): string[] {
  const flags = commands.flatMap(({ options }) =>
    options.flatMap((option) => (option.value === null ? [] : option.flags)),
  );
  return [...new Set(flags)];
}
