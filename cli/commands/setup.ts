/** setup: what cannot come by npm is put in place. */
import type { Command } from 'commander';
import { green, print, printJson } from '../terminal/output.ts';

const DESCRIPTION =
  'put in place what cannot come by npm: servers, TensorFlow with its binding, the default model and data set; ' +
  'cached, done once; what is there is verified';

export function addTo(program: Command): void {
  program
    .command('setup')
    .description(DESCRIPTION)
    .option('--library', 'only what works without servers: no Temporal, no MinIO')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt setup')
    .action(async ({ library, json }: { library?: true; json?: true }) => {
      const { COMPONENTS, runSetUp } = await import('../../infra/setup/index.ts');
      const parts = COMPONENTS.filter(({ name }) => library === undefined || !['temporal', 'minio'].includes(name));
      process.exitCode = await runSetUp(parts, { verify: true });
      if (process.exitCode !== 0) return;
      const places = parts.map((part) => ({ what: part.name, place: part.place() }));
      if (json) printJson({ parts: places });
      else for (const { what, place } of places) print(`${green('✓')} ${what.padEnd(20)} ${place}`);
    });
}
