/** schema: what a configuration may hold, for editors; and what leaves of a run, for people. */
import type { Command } from 'commander';
import { releasedTable, tuningJsonSchema } from '../../contracts/index.ts';
import { print } from '../terminal/output.ts';

const HELP = `
A first line of \`# yaml-language-server: $schema=FILE\` connects a YAML file with it.
Example: rapt schema > tuning.schema.json`;

export function addTo(program: Command): void {
  program
    .command('schema')
    .description('print the JSON Schema of the configuration, by which editors complete and check it')
    .option('--leaves', 'print which fields of results leave the client, and why each may, in Markdown')
    .addHelpText('after', HELP)
    .action(({ leaves }: { leaves?: true }) => print((leaves ? releasedTable() : schemaText()).trimEnd()));
}

/** As docs/tuning.schema.json holds it. */
const schemaText = (): string => `${JSON.stringify(tuningJsonSchema(), null, 2)}\n`;
