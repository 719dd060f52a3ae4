/** schema: what a configuration may hold, for editors. */
import type { Command } from 'commander';
import { tuningJsonSchema } from '../../contracts/index.ts';
import { print } from '../output.ts';

export function addSchemaCommand(program: Command): void {
  program
    .command('schema')
    .description('print the JSON Schema of the configuration, by which editors complete and check it')
    .addHelpText('after', '\nA first line of `# yaml-language-server: $schema=FILE` connects a YAML file with it.\nExample: rapt schema > tuning.schema.json')
    .action(() => print(schemaText().trimEnd()));
}

/** As docs/tuning.schema.json holds it. */
export const schemaText = (): string => `${JSON.stringify(tuningJsonSchema(), null, 2)}\n`;
