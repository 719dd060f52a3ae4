/** How a long-lived process ends when an error reaches nobody. */
import { writeSync } from 'node:fs';
import { describe } from './log.ts';

const STDERR = 2;

/** Ends the process, with code 1, after an error that nobody handles: such an error leaves it in an unknown state. Its
 *  supervisor starts a new process, which does the work again from what is stored. Before the end the process prints
 *  one line, with the error's class and its place in Rapt's code but without its message, which might quote a text. A
 *  log that can no longer be written does not end the process: the work matters more. */
export function endOnUnheardErrors(): void {
  process.on('uncaughtException', (error, origin) => {
    const line = {
      time: new Date().toISOString(),
      level: 'error',
      message: `the process ends by an error that nobody handled (${origin})`,
      error: describe(error),
    };
    try {
      writeSync(STDERR, `${JSON.stringify(line)}\n`);
    } catch {
      // Nobody reads it.
    }
    process.exit(1);
  });
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}
