/** Installs the npm packages, which all else needs, then runs the set-up proper; with --packages it leaves that out, which is enough for the command
 *  where servers and workers are elsewhere. Uses nothing but Node. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LEAST_NODE = [20, 6];
const root = fileURLToPath(new URL('../..', import.meta.url));
const stampFile = join(root, 'node_modules', '.rapt-lock-stamp');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < LEAST_NODE[0] || (major === LEAST_NODE[0] && minor < LEAST_NODE[1])) {
  console.error(`Rapt needs Node ${LEAST_NODE.join('.')} or later; this is ${process.versions.node}. Install a newer one and run the command again.`);
  process.exit(1);
}

const stamp = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== stamp) {
  console.error('set-up: npm packages (about 1 minute) ...');
  // Install scripts stay off: what must be built is built below, by name.
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stampFile, stamp);
}
if (!process.argv.includes('--packages')) run(process.execPath, ['--import', 'tsx', join(root, 'infra', 'setup', 'main.ts')]);

function run(command, args) {
  // Standard output belongs to the command that the set-up precedes.
  const { status, signal } = spawnSync(command, args, { cwd: root, stdio: ['inherit', 2, 2] });
  if (signal) process.exit(130);
  if (status !== 0) process.exit(status ?? 1);
}
