// @ts-check
/** What a part gets while it is made: it reports its progress, and runs commands that end when set-up is
 *  interrupted. */
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeFolder } from '../../system/make-folder.mjs';
import { cacheFolder } from '../../system/paths.mjs';
import { CommandFailed, lastWords, runCommand } from './run-command.mjs';

/** Reports the progress of a part.
 *  @callback Tell
 *  @param {string} text
 *  @param {number} [share] of the whole, 0 to 1, where it is known */

export class Work {
  /** @param {object} o
   *  @param {string} o.name
   *  @param {AbortSignal} o.signal
   *  @param {Tell} o.tell */
  constructor({ name, signal, tell }) {
    this.signal = signal;
    this.log = join(cacheFolder(), 'logs', `set-up-${name}.log`);
    this.say = tell;
  }

  /** @param {number} done
   *  @param {number} total */
  bytes(done, total) {
    this.say(`${megabytes(done)} of ${megabytes(total)} MB`, done / total);
  }

  /** @param {number} done
   *  @param {number} total about
   *  @param {string} what */
  count(done, total, what) {
    const most = Math.max(done, total);
    this.say(`${done.toLocaleString('en')} of ${most.toLocaleString('en')} ${what}`, done / most);
  }

  /** @param {string} command
   *  @param {readonly string[]} args
   *  @param {{ cwd?: string, env?: NodeJS.ProcessEnv, onLine?: (line: string) => void }} [o]
   *  @returns {Promise<string>} the end of what it printed
   *  @throws Error in one sentence, which names the file with all that it printed */
  async run(command, args, o = {}) {
    makeFolder(dirname(this.log));
    rmSync(this.log, { force: true });
    try {
      const output = await runCommand(command, args, { ...o, signal: this.signal, log: this.log });
      rmSync(this.log, { force: true });
      return output;
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      throw new Error(`${lastWords(error)} (all that \`${command}\` printed: ${this.log})`, { cause: error });
    }
  }
}

/** @param {number} bytes */
const megabytes = (bytes) => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
