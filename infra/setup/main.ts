import { cacheFolder } from '../paths.ts';
import { COMPONENTS } from './components/index.ts';
import { withLock } from './lock.ts';
import { missingPrograms } from './programs.ts';

/** Makes whatever is missing, one after the other. Each part gets its place by a rename when whole, so an interruption costs that part alone. */
async function setUp(): Promise<void> {
  if (COMPONENTS.every((component) => component.isReady())) return;
  await withLock(cacheFolder(), async () => {
    const wanted = COMPONENTS.filter((component) => !component.isReady());
    const missing = missingPrograms(wanted.flatMap((component) => component.programs));
    if (missing.length > 0) throw new Error(`these programs are needed and were not found:\n${missing.map((line) => `  ${line}`).join('\n')}`);
    for (const component of wanted) {
      const start = performance.now();
      say(`${component.title} ...`);
      await component.install(say);
      say(`${component.title}: ready after ${((performance.now() - start) / 1000).toFixed(0)} s`);
    }
  });
}

function say(line: string): void {
  process.stderr.write(`set-up: ${line}\n`);
}

setUp().catch((error: unknown) => {
  process.stderr.write(`set-up failed: ${error instanceof Error ? error.message : String(error)}\nRun the command again: it goes on where it stopped. \`npm run setup\` runs the set-up alone.\n`);
  process.exitCode = 1;
});
