/** Runs every test file, one after the other: many of them start servers or keep all cores busy. Fails when a test fails, and when one
 *  is skipped or left for later. Arguments select files by a part of their path. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';

const FILE_TIMEOUT_MS = 30 * 60_000;

const root = fileURLToPath(new URL('.', import.meta.url));
const wanted = process.argv.slice(2);
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts') && (wanted.length === 0 || wanted.some((part) => name.includes(part))))
  .sort()
  .map((name) => join(root, name));
if (files.length === 0) throw new Error(`no test file matches ${wanted.join(', ')}`);

let notRun = 0;
const tests = run({ files, concurrency: 1, timeout: FILE_TIMEOUT_MS });
tests.on('test:fail', () => {
  process.exitCode = 1;
});
tests.on('test:pass', ({ name, skip, todo }) => {
  if (skip === undefined && todo === undefined) return;
  notRun++;
  process.stderr.write(`not executed: ${name}\n`);
});
tests.on('end', () => {
  if (notRun > 0) process.exitCode = 1;
});
// The types know `compose` of web streams alone.
(tests.compose(new spec()) as NodeJS.ReadableStream).pipe(process.stdout);
