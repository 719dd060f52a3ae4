/** doctor: what is missing on this machine and on the servers that it uses. */
import type { Command } from 'commander';
import { diagnose, type Finding } from '../../infra/index.ts';
import { tenantNameOf } from '../options/values.ts';
import { serverFindings } from '../stack/server-findings.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import { bold, green, print, printJson, red } from '../terminal/output.ts';

export function addTo(program: Command): void {
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
      else for (const finding of findings) print(inWords(finding));
      process.exitCode = findings.every(({ ok }) => ok) ? EXIT.done : EXIT.failed;
    });
}

function inWords({ what, ok, detail, fix }: Finding): string {
  const found = `${ok ? green('✓') : red('✗')} ${what.padEnd(20)} ${detail}`;
  return fix === null ? found : `${found}\n  ${bold(`→ ${fix}`)}`;
}
