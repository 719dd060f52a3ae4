/** What this client itself knows of a run's release: what comes back by way of the provider is held against it, and nothing of it is believed. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, ErrorKind, RaptError, type OwnRelease, type RunContext } from '../../contracts/index.ts';
import { runFile, runFolder } from '../../rapt/home.ts';
import { writeWhole } from './run-record.ts';

const RELEASED_FILE = 'released.json';

interface Released {
  /** Settings under which it was drawn, as canonical JSON. */
  readonly config: string;
  readonly release: OwnRelease;
}

/** Before the release is told to anybody. */
export async function rememberRelease(home: string, { run, config }: RunContext, release: OwnRelease): Promise<void> {
  const remembered: Released = { config: canonicalJson(config), release };
  await writeWhole(join(runFolder(home, config.tenant, run), RELEASED_FILE), JSON.stringify(remembered, null, 2));
}

/** The run's release as it was drawn here. Where a client of an earlier version has drawn it, it is found anew, as a repeated run finds it.
 *  @param told what the workflow says of it. @throws RaptError corruptArtifact when that is another release, or one of other settings. */
export async function ownRelease(home: string, context: RunContext, told: Partial<Pick<OwnRelease, 'localKey' | 'digest'>>, find: () => Promise<OwnRelease>): Promise<OwnRelease> {
  const path = runFile(home, context.config.tenant, context.run, RELEASED_FILE);
  const known = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Released) : null;
  const release = known?.config === canonicalJson(context.config) ? known.release : known === null ? await find() : null;
  if (release === null) throw foreign('was drawn here under other settings than those that are told now');
  if ((told.localKey ?? release.localKey) !== release.localKey || (told.digest ?? release.digest) !== release.digest) throw foreign('is not the release that was drawn here for this run');
  return release;
}

const foreign = (what: string): RaptError =>
  new RaptError(ErrorKind.corruptArtifact, `what is told of the run's release ${what}; nothing was done with it. Start the run again under another id`);
