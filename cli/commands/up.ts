/** up: this machine's own servers and workers start. */
import type { Command } from 'commander';
import { stackStatus, up } from '../../infra/index.ts';
import { componentTable } from '../stack/components.ts';
import { bold, dim, print, printJson, say } from '../terminal/output.ts';

export function addTo(program: Command): void {
  program
    .command('up')
    .description('start Temporal, MinIO and one worker of each kind on this machine')
    .option('--tenant <name>', 'tenant of the client worker', 'local')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt up && rapt run --wait')
    .action(startStack);
}

async function startStack({ tenant, json }: { tenant: string; json?: true }): Promise<void> {
  const started = await up({ tenant, say: (line) => say(dim(line)) });
  const { temporal, s3, consoleUrl, codecUrl, credentialsUrl } = started;
  if (json) {
    const store = { endpoint: s3.endpoint, bucket: s3.bucket };
    printJson({ temporal, s3: store, consoleUrl, codecUrl, credentialsUrl, components: stackStatus() });
    return;
  }
  say(componentTable());
  print(`Temporal UI   ${bold(temporal.uiUrl)}\nMinIO console ${consoleUrl}\nCodec server  ${codecUrl}`);
}
