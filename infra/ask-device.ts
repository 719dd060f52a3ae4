/** On what models run on this machine, by TensorFlow's own word. */
import { fileURLToPath } from 'node:url';
import { ErrorKind, RaptError } from '../contracts/index.ts';
import { SETUP_COMMAND } from '../system/index.ts';
import { deviceName, lastWords, libraryChoice, runCommand } from './setup/index.ts';

const PROCESS = fileURLToPath(new URL('device-process.ts', import.meta.url));
/** A GPU's libraries have gigabytes, which may have to be read from a slow disk. */
const PATIENCE_MS = 120_000;

export interface Device {
  /** Such as "cpu, 2 cores", or a GPU's name and memory. */
  readonly name: string;
  readonly usesGpu: boolean;
  /** TensorFlow's version and library, and why it has this library. */
  readonly library: string;
}

/** Asks TensorFlow on what it runs. @throws RaptError notFound when it does not load. */
export async function askDevice(): Promise<Device> {
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const answer = await runCommand(process.execPath, ['--import', import.meta.resolve('tsx'), PROCESS], { signal });
    const { usesGpu, version } = JSON.parse(answer) as { usesGpu: boolean; version: string };
    const { library, reason } = libraryChoice();
    const which = library === 'cuda' ? 'with CUDA' : 'without CUDA';
    return { name: deviceName(usesGpu), usesGpu, library: `TensorFlow ${version} ${which}: ${reason}` };
  } catch (cause) {
    throw new RaptError(
      ErrorKind.notFound,
      `TensorFlow does not load (${lastWords(cause)}); run \`${SETUP_COMMAND}\``,
      { cause },
    );
  }
}
