/** A job that only waits for a run tells how it came out, and has neither what draws nor a model library for that. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const asUrl = (code: string): string => `data:text/javascript,${encodeURIComponent(code)}`;
/** Writes the address of each module that is loaded. */
const HOOKS = asUrl(
  "import { writeSync } from 'node:fs'; " +
    'export async function load(url, context, next) { writeSync(1, url + "\\n"); return next(url, context); }',
);
const REGISTER = asUrl(`import { register } from 'node:module'; register(${JSON.stringify(HOOKS)});`);
const HEAVY = /\/node_modules\/(?:echarts|@tensorflow)\//;

/** @param use is done with the folder's index, as `report`. */
async function loadedBy(use: string): Promise<string[]> {
  const index = new URL('../../../rapt/report/index.ts', import.meta.url).href;
  const code = `const report = await import('${index}'); ${use}`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--import', REGISTER, '--input-type=module', '--eval', code],
    { cwd: new URL('../../..', import.meta.url) },
  );
  return stdout.split('\n');
}

test('words and the one page of Markdown come without drawings and a model library', { timeout: 60_000 }, async () => {
  const loaded = await loadedBy("report.renderWithoutResult('pr-17', 'failed', [])");
  assert.ok(loaded.some((url) => url.endsWith('/rapt/report/summary.ts')));
  assert.deepEqual(
    loaded.filter((url) => HEAVY.test(url)),
    [],
  );
});

test('a drawing loads what draws', { timeout: 60_000 }, async () => {
  const loaded = await loadedBy('await report.frontierDrawing([])');
  assert.ok(loaded.some((url) => HEAVY.test(url)));
});
