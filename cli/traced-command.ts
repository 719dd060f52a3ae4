/** A command's part of a trace: its span, above that of the run that it starts. */
import type { Command } from 'commander';
import { inSpan, startTracing } from '../telemetry/index.ts';
import { EXIT, exitCodeOf } from './terminal/exit-codes.ts';

/** Commands without a span: they run for as long as a machine does. A worker traces what it does for others, piece by
 *  piece. */
const SERVERS: readonly string[] = ['worker', 'codec-server', 'credential-server'];

/** Parses the arguments and runs the command that they name. Only the command's name gets into the trace: other
 *  arguments name files. */
export async function tracedCommand(program: Command, args: readonly string[] = process.argv.slice(2)): Promise<void> {
  const command = commandNamed(program, args);
  const tracing = command === null || SERVERS.includes(command) ? null : await startTracing('cli');
  if (tracing === null) {
    await program.parseAsync(args, { from: 'user' });
    return;
  }
  try {
    await inSpan(`rapt ${command}`, async (span) => {
      try {
        await program.parseAsync(args, { from: 'user' });
        span.measure({ exit_code: Number(process.exitCode ?? EXIT.done) });
      } catch (error) {
        span.measure({ exit_code: exitCodeOf(error) });
        throw error;
      }
    });
  } finally {
    await tracing.stop();
  }
}

/** "run", "ledger budget"; null when no command is named. */
function commandNamed(program: Command, args: readonly string[]): string | null {
  const names: string[] = [];
  let at = program;
  for (const arg of args) {
    const next = at.commands.find((command) => command.name() === arg || command.aliases().includes(arg));
    if (next === undefined) break;
    names.push(next.name());
    at = next;
  }
  return names.length === 0 ? null : names.join(' ');
}
