/** temporal: making a server ready that Rapt did not start. */
import type { Command } from 'commander';
import { prepareServer, type Lack } from '../../infra/index.ts';
import type { NamedTemporal } from '../../settings/index.ts';
import { EXIT, exitCodeOfKind } from '../terminal/exit-codes.ts';
import { bold, green, print, printJson, red } from '../terminal/output.ts';
import { connectTemporal, namedServer } from '../temporal/connection.ts';

interface InitOptions {
  readonly address?: string;
  readonly namespace?: string;
  readonly json?: true;
}

const DESCRIPTION =
  "register Rapt's search attributes on a namespace, " +
  'and check that the server has all that Rapt needs; may be repeated';
const HELP =
  '\nTLS, certificates and API keys come from the same variables as for all commands (docs/servers.md).\n' +
  'Example: rapt temporal init --address 127.0.0.1:7233 --namespace default';

type Prepared = Awaited<ReturnType<typeof prepareServer>>;

export function addTo(program: Command): void {
  const temporal = program
    .command('temporal')
    .description('the Temporal server that runs go through')
    .addHelpText('after', '\nExample: rapt temporal init');
  temporal
    .command('init')
    .description(DESCRIPTION)
    .option('--address <host:port>', 'the server; default: as for all commands, RAPT_TEMPORAL_ADDRESS or the local one')
    .option('--namespace <name>', 'the namespace; default: RAPT_TEMPORAL_NAMESPACE, or "default"')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(init);
}

async function init({ address, namespace, json }: InitOptions): Promise<void> {
  const named = namedServer({ address, namespace });
  const connection = await connectTemporal({ temporal: named });
  try {
    const found = await prepareServer(connection, named);
    const { serverVersion, registered, lacks } = found;
    if (json)
      printJson({ address: named.connection.address, namespace: named.namespace, serverVersion, registered, lacks });
    else for (const line of inWords(named, found)) print(line);
    process.exitCode = lacks.length === 0 ? EXIT.done : exitCodeOfKind(lacks[0]!.kind);
  } finally {
    await connection.close();
  }
}

function inWords(named: NamedTemporal, { serverVersion, registered, lacks }: Prepared): string[] {
  const lines: string[] = [];
  const isMissing = (part: string): boolean => lacks.some(({ what }) => what === part);
  const hasNamespace = !isMissing('namespace');
  if (hasNamespace)
    lines.push(
      `${green('✓')} Temporal server ${serverVersion} at ${named.connection.address}, namespace ${named.namespace}`,
    );
  if (registered.length > 0) {
    const attributes = registered.map(({ name, type }) => `${name} (${type})`);
    lines.push(`${green('✓')} registered ${attributes.join(', ')}`);
  } else if (hasNamespace && !isMissing('search attributes'))
    lines.push(`${green('✓')} the search attributes were there already`);
  lines.push(...lacks.map(lackInWords));
  if (lacks.length === 0)
    lines.push(
      `${green('✓')} ready: start workers (\`rapt worker control\`, \`client\`, \`gpu\`) with the same settings`,
    );
  return lines;
}

function lackInWords({ problem, fix }: Lack): string {
  const said = `${red('✗')} ${problem}`;
  return fix === null ? said : `${said}\n  ${bold(`→ ${fix}`)}`;
}
