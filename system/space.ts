/** Room on disks. */
import { statfsSync } from 'node:fs';

/** Codes of a full disk and of a used-up quota. */
const CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);

/** Bytes that this user may still write to a folder's disk. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Whether an error, or one that caused it, says that a disk has no space left. */
export function isOutOfSpace(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if ('code' in at && CODES.has(at.code)) return true;
  return false;
}
