/** worker: one worker in the foreground. */
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { assertSetUp } from '../../infra/index.ts';
import { resolveServices } from '../../settings/index.ts';
import { homeFolder } from '../../system/index.ts';

interface WorkerOptions {
  readonly tenant: string;
  readonly buildId?: string;
  readonly promote?: boolean;
}

const BUILD_ID =
  "control: name of this version of the workflows, such as an image's tag; default: a digest of their sources";
const PROMOTE =
  'control: make this version the one on which new runs begin, even if it was replaced before; ' +
  'default: only if it is new';
const HELP =
  '\nA worker finds its servers by RAPT_TEMPORAL_ADDRESS and RAPT_S3_ENDPOINT, and its keys by ' +
  'RAPT_S3_CREDENTIALS_URL and RAPT_S3_CREDENTIALS_TOKEN_FILE (`rapt credentials`), ' +
  'else takes those of `rapt up`. All variables: docs/operations.md.\n' +
  'Example: rapt worker client --tenant acme';

export function addTo(program: Command): void {
  program
    .command('worker')
    .description('run one worker in the foreground until SIGTERM; it then saves what it has')
    .argument('<kind>', 'control, client or gpu')
    .addOption(new Option('--tenant <name>', 'tenant that a client worker serves').default('local'))
    .option('--build-id <name>', BUILD_ID)
    .option('--promote', PROMOTE)
    .option('--no-promote', 'control: leave the version on which new runs begin as it is')
    .addHelpText('after', HELP)
    .action(work);
}

async function work(kind: string, { tenant, buildId, promote }: WorkerOptions, command: Command): Promise<void> {
  const home = homeFolder();
  if (kind === 'client' || kind === 'gpu') assertSetUp([kind]);
  try {
    if (kind === 'control') {
      const { runControlWorker } = await import('../../workers/control.ts');
      await runControlWorker(resolveServices(), { buildId, promotion: promotionOf(promote) });
    } else if (kind === 'client') {
      const { runClientWorker } = await import('../../workers/client.ts');
      await runClientWorker(resolveServices(), { tenant, home });
    } else if (kind === 'gpu') {
      const { runGpuWorker } = await import('../../workers/gpu.ts');
      await runGpuWorker(resolveServices(), { scratch: join(home, 'gpu') });
    } else command.error(`error: there is no ${kind} worker; the kinds are control, client and gpu`);
  } finally {
    endSoon();
  }
}

const promotionOf = (promote: boolean | undefined) =>
  promote === undefined ? 'whenNew' : promote ? 'always' : 'never';

/** A request that nobody waits for any more must not keep a worker alive that has ended. The exit code is the one that
 *  the command has by then. */
function endSoon(): void {
  setTimeout(() => process.exit(), 1000).unref();
}
