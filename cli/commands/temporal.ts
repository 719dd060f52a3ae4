/** temporal: making a server ready that Rapt did not start. */
import type { Command } from 'commander';
import { prepareServer, type Lack } from '../../infra/index.ts';
import { EXIT, exitCodeOfKind } from '../terminal/exit-codes.ts';
import { bold, green, print, printJson, red } from '../terminal/output.ts';
import { connectTemporal, namedServer } from '../temporal/connection.ts';

export function addTo(program: Command): void {
  const temporal = program
    .command('temporal')
    .description('the Temporal server that runs go through')
    .addHelpText('after', '\nExample: rapt temporal init');
  temporal
    .command('init')
    .description(
      "register Rapt's search attributes on a namespace, and check that the server has all that Rapt needs; may be " +
        'repeated',
    )
    .option('--address <host:port>', 'the server; default: as for all commands, RAPT_TEMPORAL_ADDRESS or the local one')
    .option('--namespace <name>', 'the namespace; default: RAPT_TEMPORAL_NAMESPACE, or "default"')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nTLS, certificates and API keys come from the same variables as for all commands ' +
        '(docs/servers.md).\nExample: rapt temporal init --address 127.0.0.1:7233 --namespace default',
    )
    .action(async ({ address, namespace, json }: { address?: string; namespace?: string; json?: true }) => {
      const named = namedServer({ address, namespace });
      const connection = await connectTemporal({ temporal: named });
      try {
        const { serverVersion, registered, lacks } = await prepareServer(connection, named);
        if (json)
          printJson({
            address: named.connection.address,
            namespace: named.namespace,
            serverVersion,
            registered,
            lacks,
          });
        else {
          const hasNamespace = !lacks.some(({ what }) => what === 'namespace');
          if (hasNamespace)
            print(
              `${green('✓')} Temporal server ${serverVersion} at ${named.connection.address}, namespace ` +
                named.namespace,
            );
          if (registered.length > 0)
            print(`${green('✓')} registered ${registered.map(({ name, type }) => `${name} (${type})`).join(', ')}`);
          else if (hasNamespace && !lacks.some(({ what }) => what === 'search attributes'))
            print(`${green('✓')} the search attributes were there already`);
          printLacks(lacks);
          if (lacks.length === 0)
            print(
              `${green('✓')} ready: start workers (\`rapt worker control\`, \`client\`, \`gpu\`) with the same ` +
                'settings',
            );
        }
        process.exitCode = lacks.length === 0 ? EXIT.done : exitCodeOfKind(lacks[0]!.kind);
      } finally {
        await connection.close();
      }
    });
}

function printLacks(lacks: readonly Lack[]): void {
  for (const { problem, fix } of lacks) print(`${red('✗')} ${problem}${fix === null ? '' : `\n  ${bold(`→ ${fix}`)}`}`);
}
