/** Runs the test files, lane beside lane (lanes.ts). Fails when a test fails, and when one is skipped or left for
 *  later. Arguments select files by a part of their path; --long runs those that have a full size (support/size.ts) at
 *  that. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import pMap from 'p-map';
import { laneOf, LANES } from './lanes.ts';
import { Outcome, type Event } from './outcome.ts';

const MINUTE_MS = 60_000;

const root = fileURLToPath(new URL('.', import.meta.url));
const long = process.argv.includes('--long');
const wanted = process.argv.slice(2).filter((argument) => argument !== '--long');
const hasFullSize = (name: string): boolean => readFileSync(join(root, name), 'utf8').includes("/support/size.ts'");
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter(
    (name) =>
      name.endsWith('.test.ts') &&
      (wanted.length === 0 || wanted.some((part) => name.includes(part))) &&
      (!long || hasFullSize(name)),
  )
  .sort();
if (files.length === 0) throw new Error(`no test file matches ${wanted.join(', ')}`);

if (long) process.env['RAPT_TEST_LONG'] = '1';
const timeout = (long ? 120 : 45) * MINUTE_MS;

const outcome = new Outcome();
const reporter = new spec();
reporter.pipe(process.stdout);

/** What a file says is shown when it has ended, so that files do not talk at once. */
async function runFile(file: string): Promise<void> {
  const began = performance.now();
  const events: Event[] = [];
  for await (const event of run({ files: [join(root, file)], timeout })) events.push(event as Event);
  const seconds = (performance.now() - began) / 1000;
  reporter.write(said(`\n${file}: ${seconds.toFixed(1)} s\n`));
  for (const event of outcome.add(file, seconds, events)) reporter.write(event);
}

const said = (message: string): Event => ({
  type: 'test:stdout',
  data: { file: relative(process.cwd(), root), message },
});

await Promise.all(
  LANES.map((lane) =>
    pMap(
      files.filter((file) => laneOf(file) === lane),
      runFile,
      { concurrency: long ? 1 : lane.width },
    ),
  ),
);
reporter.write(said(`\n${outcome.inWords()}\n\n`));
for (const event of outcome.closing()) reporter.write(event);
reporter.end();
if (!outcome.good) process.exitCode = 1;
