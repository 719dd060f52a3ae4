/** What becomes of a long-lived process when an error reaches nobody. */
import { writeSync } from 'node:fs';
import { describe } from './log.ts';

const STDERR = 2;

/** An error that nobody awaits and no stream's listener hears leaves a process in a state that nobody knows. It says so
 *  in one line, with the error's class and place in Rapt's code but without its message, which might quote a text, and
 *  ends with code 1: whoever supervises it starts a new one, and its work is done again from what is stored. A log that
 *  cannot be written any more is no such error: the work matters more. */
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
