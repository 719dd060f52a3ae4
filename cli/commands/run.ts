/** run: a tuning run of a configuration. */
import type { Command } from 'commander';
import type { TuningConfig } from '../../contracts/index.ts';
import { byPolicyOption, collect } from '../options/common-options.ts';
import { loadConfig } from '../options/configuration.ts';
import type { Planned } from '../runs/attach.ts';
import { begin, type StartingOptions } from '../runs/begin.ts';
import { newId, planSuccessor } from '../runs/plan.ts';
import { addWaitOptions } from '../runs/wait-options.ts';
import { startLocally } from '../stack/start-locally.ts';
import type { Link } from '../temporal/connection.ts';

interface RunOptions extends StartingOptions {
  readonly file?: string;
  readonly set: string[];
  readonly gate: string[];
  readonly baseline?: string;
  readonly id?: string;
  readonly resume?: true;
  readonly up?: true;
}

const EXAMPLE =
  '\nExample: rapt run -f tuning.yaml --set tuning.epochs=3 ' +
  "--gate 'accuracy>=0.7' --id pr-17 --wait --json --junit junit.xml";

export function addTo(program: Command): void {
  const command = program
    .command('run')
    .description('start a tuning run; with no file, the default one')
    .option('-f, --file <path>', 'configuration in JSON or YAML; "-" reads standard input')
    .option('--set <field=value>', 'change one setting; may be repeated', collect, [])
    .option(
      '--gate <condition>',
      "fail with exit code 3 unless it holds, such as 'accuracy>=0.7'; may be repeated",
      collect,
      [],
    )
    .option('--baseline <id>', "a finished run that gates compare with: 'accuracy >= baseline - 0.01'")
    .option('--id <id>', 'name of the run; a name that exists attaches to that run')
    .option(
      '--resume',
      'when the run of this name ended without a result, go on with it as a new run, from its checkpoint',
    )
    .addOption(byPolicyOption())
    .option('--up', "start the local servers and workers first, for the configuration's tenant")
    .option('--wait', 'wait for the end and show the progress');
  addWaitOptions(command).addHelpText('after', EXAMPLE).action(run);
}

function run({ file, set, gate, baseline, id: name, resume, up, ...options }: RunOptions): Promise<void> {
  const id = name ?? newId('run');
  // Read once: it may come by standard input.
  let config: TuningConfig | null = null;
  const load = async (localFiles: boolean): Promise<TuningConfig> =>
    (config ??= await loadConfig({ file, set, gate, baseline }, localFiles));
  const before = up && (async () => startLocally(await load(true)));
  const plan = async (link: Link): Promise<Planned> => {
    const wanted = await load(link.services.stack === 'local');
    return resume && name !== undefined
      ? planSuccessor(link, id, wanted)
      : { id, config: wanted, goesOnFrom: null, isNewName: name === undefined };
  };
  return begin(id, options, plan, before);
}
