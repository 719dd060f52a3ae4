/** start: everything on this machine, and a run on the built-in data. */
import type { Command } from 'commander';
import { RAPT_COMMAND } from '../../system/index.ts';
import { collect } from '../options/common-options.ts';
import { loadConfig } from '../options/configuration.ts';
import { newId } from '../runs/plan.ts';
import { Waiting } from '../runs/waiting.ts';
import { componentTable } from '../stack/components.ts';
import { startLocally } from '../stack/start-locally.ts';
import { say } from '../terminal/output.ts';

interface StartOptions {
  readonly set: string[];
  readonly json?: true;
}

export function addTo(program: Command): void {
  program
    .command('start')
    .description('start everything, tune on the built-in data, and show what came out')
    .option('--set <field=value>', 'change a setting, such as tuning.epochs=2', collect, [])
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', '\nExample: rapt start --set tuning.epochs=2')
    .action(start);
}

async function start({ set, json }: StartOptions): Promise<void> {
  const config = await loadConfig({ set }, true);
  const { temporal } = await startLocally(config);
  say(`Temporal UI: ${temporal.uiUrl}`);
  const id = newId('start');
  await Waiting.during(id, { onInterrupt: 'leave', ...(json && { json }) }, (link, waiting) =>
    waiting.start(link, { id, config, goesOnFrom: null, isNewName: true }),
  );
  say(`\nThese processes stay, for the next run; \`${RAPT_COMMAND} down\` ends them:`);
  say(componentTable());
}
