/** What this client itself knows of a run's release: what comes back by way of the provider is held against it, and
 *  nothing of it is believed. */
import { join } from 'node:path';
import {
  BadInput,
  canonicalJson,
  ErrorKind,
  parseTuningConfig,
  RaptError,
  type OwnRelease,
  type RunContext,
} from '../../../contracts/index.ts';
import { runFolder } from '../../../rapt/home.ts';
import { readRunFile, writeWhole } from './run-file.ts';
import { hasRunRecord, readRunRecord } from './run-record.ts';

const RELEASED_FILE = 'released.json';

interface Released {
  /** Settings under which it was drawn, as canonical JSON. */
  readonly config: string;
  readonly release: OwnRelease;
}

/** A run's name stands for one configuration and one content of its tables: the word that the owner gave for it is not
 *  a word for rows that come later, and a run of the same name by somebody else is another run. @throws BadInput,
 *  before anything is reserved. */
export function assertSameRelease(home: string, { run, config }: RunContext, localKey: string): void {
  const known = remembered(home, config.tenant, run);
  const asked = canonicalJson(config);
  const earlier =
    known?.config ?? (hasRunRecord(home, config.tenant, run) ? recorded(home, config.tenant, run) : asked);
  if (earlier !== asked)
    throw new BadInput([
      {
        where: 'run',
        problem: `${run} is the name of a run of other settings on this client; start this one under another id`,
      },
    ]);
  if (known !== null && known.release.localKey !== localKey)
    throw new BadInput([
      {
        where: 'run',
        problem:
          `${run}: its tables have changed since it was released; ` +
          'start a run of their present rows under another id',
      },
    ]);
}

/** Whether a release was drawn for a run of this name. */
export const wasReleased = (home: string, { run, config }: RunContext): boolean =>
  remembered(home, config.tenant, run) !== null;

/** Before the release is told to anybody. */
export async function rememberRelease(home: string, { run, config }: RunContext, release: OwnRelease): Promise<void> {
  const remembered: Released = { config: canonicalJson(config), release };
  await writeWhole(join(runFolder(home, config.tenant, run), RELEASED_FILE), JSON.stringify(remembered, null, 2));
}

/** The run's release as it was drawn here. Where a client of an earlier version has drawn it, it is found anew, as a
 *  repeated run finds it.
 *  @param told what the workflow says of it. @throws RaptError corruptArtifact when that is another release, or one of
 *  other settings. */
export async function ownRelease(
  home: string,
  context: RunContext,
  told: Partial<Pick<OwnRelease, 'localKey' | 'digest'>>,
  find: () => Promise<OwnRelease>,
): Promise<OwnRelease> {
  const known = remembered(home, context.config.tenant, context.run);
  const release =
    known?.config === canonicalJson(context.config) ? known.release : known === null ? await find() : null;
  if (release === null) throw foreign('was drawn here under other settings than those that are told now');
  if ((told.localKey ?? release.localKey) !== release.localKey || (told.digest ?? release.digest) !== release.digest)
    throw foreign('is not the release that was drawn here for this run');
  return release;
}

/** The configuration in the run's record, as today's version reads it. */
function recorded(home: string, tenant: string, run: string): string {
  const { config } = readRunRecord(home, tenant, run);
  const parsed = parseTuningConfig(config);
  return canonicalJson(parsed.ok ? parsed.value : config);
}

const remembered = (home: string, tenant: string, run: string): Released | null =>
  readRunFile(home, tenant, run, RELEASED_FILE) as Released | null;

const foreign = (what: string): RaptError =>
  new RaptError(
    ErrorKind.corruptArtifact,
    `what is told of the run's release ${what}; nothing was done with it. Start the run again under another id`,
  );
