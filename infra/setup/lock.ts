import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from '../../system/index.ts';

const POLL_MS = 500;

/** Runs the body while no other set-up writes to the same folder. A lock whose process is gone is taken over. */
export async function withLock<T>(folder: string, body: () => Promise<T>): Promise<T> {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'setup.lock');
  for (let told = false; !take(path); told = true) {
    if (!told) process.stderr.write('set-up: waits for another set-up on this machine\n');
    await sleep(POLL_MS);
  }
  try {
    return await body();
  } finally {
    rmSync(path, { force: true });
  }
}

function take(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  if (isRunning(readOwner(path))) return false;
  rmSync(path, { force: true });
  return false;
}

function readOwner(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return 0;
  }
}
