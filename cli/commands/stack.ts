/** up, down, status, doctor, worker: the machine's own servers and workers. */
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { assertSetUp, diagnose, down, stackStatus, up } from '../../infra/index.ts';
import { homeFolder } from '../../system/index.ts';
import { resolveServices } from '../../settings/index.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { tenantNameOf } from '../options/values.ts';
import { bold, dim, green, print, printJson, red, say, table } from '../terminal/output.ts';
import { serverFindings } from '../stack/server-findings.ts';

export function addStackCommands(program: Command): void {
  program
    .command('up')
    .description('start Temporal, MinIO and one worker of each kind on this machine')
    .option('--tenant <name>', 'tenant of the client worker', 'local')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt up && rapt run --wait')
    .action(async ({ tenant, json }: { tenant: string; json?: true }) => {
      const { temporal, s3, consoleUrl, codecUrl, credentialsUrl } = await up({
        tenant,
        say: (line) => say(dim(line)),
      });
      if (json)
        printJson({
          temporal,
          s3: { endpoint: s3.endpoint, bucket: s3.bucket },
          consoleUrl,
          codecUrl,
          credentialsUrl,
          components: stackStatus(),
        });
      else {
        sayComponents();
        print(`Temporal UI   ${bold(temporal.uiUrl)}\nMinIO console ${consoleUrl}\nCodec server  ${codecUrl}`);
      }
    });
  program
    .command('down')
    .description('end what `rapt up` started; data, addresses and credentials stay')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt down')
    .action(async ({ json }: { json?: true }) => {
      const ended = await down();
      if (json) printJson({ ended });
      else say(ended.length === 0 ? 'nothing was running' : `ended: ${ended.join(', ')}`);
    });
  program
    .command('status')
    .description('what runs on this machine, where, and as which process')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt status')
    .action(({ json }: { json?: true }) => {
      if (json) printJson({ components: stackStatus() });
      else print(componentTable());
    });
  program
    .command('doctor')
    .description('what is there, what is missing, and the command that mends it')
    .option(
      '--tenant <name>',
      'whose client worker is looked for on a Temporal server that Rapt did not start',
      'local',
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample: rapt doctor')
    .action(async ({ tenant, json }: { tenant: string; json?: true }) => {
      const findings = [...(await diagnose()), ...(await serverFindings(tenantNameOf('--tenant', tenant)))];
      if (json) printJson({ findings });
      else
        for (const { what, ok, detail, fix } of findings)
          print(
            `${ok ? green('✓') : red('✗')} ${what.padEnd(20)} ` +
              `${detail}${fix === null ? '' : `\n  ${bold(`→ ${fix}`)}`}`,
          );
      process.exitCode = findings.every(({ ok }) => ok) ? EXIT.done : EXIT.failed;
    });
  program
    .command('setup')
    .description(
      'put in place what cannot come by npm: servers, TensorFlow with its binding, the default model and data set; ' +
        'cached, done once; what is there is verified',
    )
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
  program
    .command('worker')
    .description('run one worker in the foreground until SIGTERM; it then saves what it has')
    .argument('<kind>', 'control, client or gpu')
    .addOption(new Option('--tenant <name>', 'tenant that a client worker serves').default('local'))
    .option(
      '--build-id <name>',
      "control: name of this version of the workflows, such as an image's tag; default: a digest of their sources",
    )
    .option(
      '--promote',
      'control: make this version the one on which new runs begin, even if it was replaced before; default: only ' +
        'if it is new',
    )
    .option('--no-promote', 'control: leave the version on which new runs begin as it is')
    .addHelpText(
      'after',
      '\nA worker finds its servers by RAPT_TEMPORAL_ADDRESS and RAPT_S3_ENDPOINT, and its keys by ' +
        'RAPT_S3_CREDENTIALS_URL and RAPT_S3_CREDENTIALS_TOKEN_FILE (`rapt credentials`), else takes those of `rapt ' +
        'up`. All variables: docs/operations.md.\nExample: rapt worker client --tenant acme',
    )
    .action(
      async (
        kind: string,
        { tenant, buildId, promote }: { tenant: string; buildId?: string; promote?: boolean },
        command: Command,
      ) => {
        const home = homeFolder();
        if (kind === 'client' || kind === 'gpu') assertSetUp([kind]);
        try {
          if (kind === 'control')
            await (
              await import('../../workers/control.ts')
            ).runControlWorker(resolveServices(), { buildId, promotion: promotionOf(promote) });
          else if (kind === 'client')
            await (await import('../../workers/client.ts')).runClientWorker(resolveServices(), { tenant, home });
          else if (kind === 'gpu')
            await (
              await import('../../workers/gpu.ts')
            ).runGpuWorker(resolveServices(), { scratch: join(home, 'gpu') });
          else command.error(`error: there is no ${kind} worker; the kinds are control, client and gpu`);
        } finally {
          endSoon();
        }
      },
    );
}

const promotionOf = (promote: boolean | undefined) =>
  promote === undefined ? 'whenNew' : promote ? 'always' : 'never';

/** A request that nobody waits for any more must not keep a worker alive that has ended. The exit code is the one that
 *  the command has by then. */
function endSoon(): void {
  setTimeout(() => process.exit(), 1000).unref();
}

export function sayComponents(): void {
  say(componentTable());
}

function componentTable(): string {
  const rows = stackStatus().map(({ component, running, pid, address, log }) => [
    component,
    running ? `running, process ${pid}` : 'not running',
    address ?? '',
    log,
  ]);
  return table([['part', 'state', 'address', 'log'], ...rows]);
}
