import type { Say } from '../commands.ts';
import type { Program } from '../programs.ts';

/** One thing that set-up provides. */
export interface Component {
  readonly name: string;
  /** For people, with the size of the download. */
  readonly title: string;
  /** Programs that `install` calls. */
  readonly programs: readonly Program[];
  /** Looks whether it is there, in milliseconds. */
  isReady(): boolean;
  /** Where it lies, or would. */
  place(): string;
  install(say: Say): Promise<void>;
}
