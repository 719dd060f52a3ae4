/** Which code runs here. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRepository, projectRoot } from './paths.mjs';
import { setting } from './setting.mjs';

/** The version of the code that runs here: "0.1.0+<commit>", with "-dirty" when files differ from the commit.
 *  RAPT_COMMIT names the commit where there is no repository, as in a container. */
export function codeVersion(): string {
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string };
  const commit = setting('RAPT_COMMIT') ?? describeCheckout();
  return commit === null ? version : `${version}+${commit}`;
}

function describeCheckout(): string | null {
  if (!isRepository()) return null;
  try {
    return execFileSync('git', ['describe', '--always', '--dirty', '--exclude=*', '--abbrev=40'], {
      cwd: projectRoot,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return null;
  }
}
